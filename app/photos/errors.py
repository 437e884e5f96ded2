"""What can be wrong with a photo."""

from typing import Final

from app.core.errors import Conflict, DomainError, Invalid, NotFound, NotThatKind, TooLarge, Unavailable


class NotAPhoto(NotThatKind):
    """The bytes are none of the four formats, or of the two of videos, whatever the file is called."""

    code = "not_a_photo"
    vi = "Tệp này không phải là ảnh JPEG, PNG, WebP, HEIC hoặc video MP4, MOV."
    en = "This file is not a JPEG, PNG, WebP or HEIC photo, nor an MP4 or MOV video."


class DamagedPhoto(Invalid):
    """The header is a photo's, what follows cannot be decoded."""

    code = "photo_damaged"
    vi = "Ảnh bị hỏng hoặc bị cắt mất một phần, không mở được."
    en = "The photo is damaged or cut short and cannot be opened."


class TooManyPixels(Invalid):
    """Its header states more pixels than are decoded: a decompression bomb, or a scan that is no phone's photo."""

    code = "photo_too_many_pixels"
    vi = "Ảnh có quá nhiều điểm ảnh, không mở được."
    en = "The photo has too many pixels to be opened."


class VideoTooLong(Invalid):
    """More than half a minute."""

    code = "video_too_long"
    vi = "Video dài quá {limit_s} giây; hãy quay hoặc cắt ngắn lại."
    en = "The video is longer than {limit_s} seconds; please take a shorter one."


class VideoDamaged(Invalid):
    """It does not say how long it is, or ends before it is over."""

    code = "video_damaged"
    vi = "Video bị hỏng, bị cắt mất một phần hoặc không cho biết thời lượng."
    en = "The video is damaged, cut short, or does not say how long it is."


class VideoNotShown(NotFound):
    """Nothing but its picture and sound could be kept of it with certainty: it stays what it is, evidence."""

    code = "video_not_shown"
    vi = "Video được giữ làm chứng cứ nhưng không xem được tại đây: không chắc chắn xóa được hết dữ liệu riêng trong tệp."
    en = "The video is kept as evidence but cannot be looked at here: what else the file holds cannot be taken out safely."


# Why a job that makes copies gives a photo up, by the code that it writes beside the photo.
REFUSALS: Final = {error.code: error for error in (NotAPhoto, DamagedPhoto, TooManyPixels, VideoNotShown)}


class PhotoTooLarge(TooLarge):
    """More bytes than a photo may have."""

    code = "photo_too_large"
    vi = "Ảnh quá lớn; nhiều nhất {limit_bytes} byte một ảnh."
    en = "The photo is too large; at most {limit_bytes} bytes a photo."


class HashMismatch(Invalid):
    """The bytes that came are not those that were announced."""

    code = "photo_hash_mismatch"
    vi = "Nội dung ảnh nhận được không khớp với mã SHA-256 trong địa chỉ; hãy gửi lại ảnh."
    en = "The bytes received do not have the SHA-256 in the address; please send the photo again."


class PhotoRoleTaken(Conflict):
    """One photo cannot be both what was found and what was left."""

    code = "photo_role_taken"
    vi = "Ảnh này đã được gửi cho tin với vai trò khác (trước hoặc sau xử lý)."
    en = "This photo already belongs to the report in the other role."


class PhotoErased(Conflict):
    """The report had this photo until its time was over; it does not come back."""

    code = "photo_erased"
    vi = "Ảnh này đã được xóa theo thời hạn lưu trữ và không nhận lại."
    en = "This photo was erased when its time was over and is not taken again."


class OriginalDamaged(Conflict):
    """What the store gives back is not what was received: no evidence can be made of it."""

    code = "original_damaged"
    vi = "Ảnh gốc {sha256} trong kho bị hỏng hoặc bị mất nên không lập được hồ sơ; hãy báo quản trị hệ thống."
    en = (
        "The original {sha256} is damaged or missing in the store, so no bundle was made; please tell an administrator."
    )


class NoRoomForBundle(Unavailable):
    """The disk on which a bundle is put together is full."""

    code = "evidence_no_room"
    vi = "Máy chủ tạm thời hết chỗ để đóng gói hồ sơ; hãy thử lại sau."
    en = "The server has no room to put the bundle together for the moment; please try again later."


class RetentionInThePast(Invalid):
    """A policy would change what has judged cases already."""

    code = "retention_in_the_past"
    vi = "Thời hạn lưu trữ mới phải bắt đầu từ ngày mai trở đi."
    en = "Retention must begin on a day to come: what has judged a case is not rewritten."


class TooManyPhotos(Invalid):
    """The report has as many photos as it may."""

    code = "too_many_photos"
    vi = "Mỗi tin có nhiều nhất {limit} ảnh."
    en = "A report has at most {limit} photos."


class PhotosTooLarge(TooLarge):
    """The report's photos together would have more bytes than they may."""

    code = "photos_too_large"
    vi = "Các ảnh của một tin có nhiều nhất {limit_bytes} byte tất cả."
    en = "The photos of a report may have {limit_bytes} bytes altogether."


class UploadNotFound(NotFound):
    """No such upload, not the asker's, or over: ended, or not gone on with for a day."""

    code = "upload_not_found"
    vi = "Không có lượt gửi nào như vậy, hoặc đã hết hạn; hãy gửi lại từ đầu."
    en = "There is no such upload, or its time is over; please begin anew."


class OffsetMismatch(Conflict):
    """The bytes that come do not go on where those that are here end."""

    code = "upload_offset_mismatch"
    vi = "Lượt gửi đang ở byte {offset}; hãy gửi tiếp từ đó."
    en = "The upload is at byte {offset}; please go on from there."


class UploadTooLong(TooLarge):
    """More bytes come than the sender said there are."""

    code = "upload_too_long"
    vi = "Nội dung gửi lên dài hơn độ dài đã báo ({limit_bytes} byte)."
    en = "More bytes come than were announced ({limit_bytes})."


class TooManyPieces(Invalid):
    """A file that comes in more pieces than any network breaks it into."""

    code = "upload_too_many_pieces"
    vi = "Ảnh được gửi thành quá nhiều đoạn nhỏ (nhiều nhất {limit}); hãy gửi lại từ đầu."
    en = "The file came in too many small pieces ({limit} at most); please begin anew."


class ChecksumMismatch(DomainError):
    """A piece of an upload arrived with other bytes than its sender's checksum is of. It is thrown away."""

    code = "upload_checksum_mismatch"
    vi = "Đoạn vừa gửi bị sai lệch trên đường truyền; hãy gửi lại đoạn đó."
    en = "The piece was damaged on its way; please send it again."


class PhotoNotFound(NotFound):
    """No such photo, or no such copy yet, or not for the asker to know of."""

    code = "photo_not_found"
    vi = "Không tìm thấy ảnh."
    en = "There is no such photo."


class PhotoNotReady(NotFound):
    """It is here, and its copy in full size is still to be made."""

    code = "photo_not_ready"
    vi = "Bản cỡ đầy đủ của ảnh chưa sẵn sàng; hãy thử lại sau ít phút."
    en = "The full-size copy of this photo is not ready yet; please try again in some minutes."


class PhotoLinkExpired(NotFound):
    """A link of ours whose minutes are over; the report has a new one."""

    code = "photo_link_expired"
    vi = "Liên kết xem ảnh đã hết hạn; hãy tải lại tin."
    en = "The link to this photo has expired; read the report again."


class NotASha256(Invalid):
    """A photo is named by 64 lower-case hexadecimal digits."""

    code = "sha256_malformed"
    vi = "Mã SHA-256 của ảnh phải gồm 64 chữ số thập lục phân viết thường."
    en = "A photo's SHA-256 is 64 lower-case hexadecimal digits."


class StoreFull(Unavailable):
    """The disk of the store has no room left."""

    code = "photo_store_full"
    vi = "Kho ảnh tạm thời hết chỗ; ảnh vẫn ở trong điện thoại của bạn, hãy gửi lại sau."
    en = "The photo store is full for the moment; your phone still has the photo, please send it again later."


class StoreUnavailable(Unavailable):
    """The store does not answer, or not as it should."""

    code = "photo_store_unavailable"
    vi = "Kho ảnh tạm thời không trả lời; ảnh vẫn ở trong điện thoại của bạn, hãy gửi lại sau."
    en = "The photo store does not answer for the moment; your phone still has the photo, please send it again later."


class OriginalGone(Unavailable):
    """The same bytes lay here, and were erased at the very moment."""

    code = "photo_gone_meanwhile"
    vi = "Ảnh cần được gửi lại một lần nữa."
    en = "The photo has to be sent once more."


class RegionOutside(Invalid):
    """A place to be hidden of which nothing lies in the picture."""

    code = "region_outside"
    vi = "Vùng cần che phải nằm trong ảnh; vị trí và kích thước là phần của chiều rộng và chiều cao ảnh (0 đến 1)."
    en = "A place to be hidden must lie in the picture, told in parts of its width and height (0 to 1)."


class TooManyBlurs(Invalid):
    """As many places as a person may hide in one photo."""

    code = "too_many_blurs"
    vi = "Mỗi ảnh có nhiều nhất {limit} vùng che thêm."
    en = "At most {limit} places can be added to those hidden in a photo."


class BlurIdTaken(Conflict):
    """The id that came with a place names another one."""

    code = "blur_id_taken"
    vi = "Mã này đã được dùng cho một vùng che khác."
    en = "This id is already used for another hidden place."


class BlurNotFound(NotFound):
    """No such hidden place in this photo."""

    code = "blur_not_found"
    vi = "Không tìm thấy vùng che này trong ảnh."
    en = "This photo has no such hidden place."
