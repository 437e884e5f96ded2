"""What can be wrong with a photo."""

from typing import Final

from app.core.errors import Conflict, Invalid, NotFound, NotThatKind, TooLarge, Unavailable


class NotAPhoto(NotThatKind):
    """The bytes are none of the four formats, whatever the file is called."""

    code = "not_a_photo"
    vi = "Tệp này không phải là ảnh JPEG, PNG, WebP hoặc HEIC."
    en = "This file is not a JPEG, PNG, WebP or HEIC photo."


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


# Why the job that makes copies gives a photo up, by the code that it writes beside the photo.
REFUSALS: Final = {error.code: error for error in (NotAPhoto, DamagedPhoto, TooManyPixels)}


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


class TooManyPhotos(Invalid):
    """The report has as many photos as it may."""

    code = "too_many_photos"
    vi = "Mỗi tin có nhiều nhất {limit} ảnh."
    en = "A report has at most {limit} photos."


class PhotoNotFound(NotFound):
    """No such photo, or no such copy yet, or not for the asker to know of."""

    code = "photo_not_found"
    vi = "Không tìm thấy ảnh."
    en = "There is no such photo."


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
