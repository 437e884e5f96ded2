"""Why somebody is not signed in, or not yet."""

from app.core.errors import Invalid, NotPermitted, NotSignedIn, TooMany


class TokenInvalid(NotSignedIn):
    """The access token is malformed, forged, or not ours."""

    code = "token_invalid"
    vi = "Mã truy cập không hợp lệ; hãy đăng nhập lại."
    en = "The access token is not valid; please sign in again."


class TokenExpired(NotSignedIn):
    """The access token was ours and has run out."""

    code = "token_expired"
    vi = "Mã truy cập đã hết hạn; hãy làm mới."
    en = "The access token has run out; please refresh it."


class SessionEnded(NotSignedIn):
    """Signed out, or ended by us."""

    code = "session_ended"
    vi = "Phiên đăng nhập đã kết thúc; hãy đăng nhập lại."
    en = "This session has ended; please sign in again."


class RefreshInvalid(NotSignedIn):
    """No such refresh token, or it has run out."""

    code = "refresh_invalid"
    vi = "Phiên đăng nhập đã hết hạn; hãy đăng nhập lại."
    en = "The refresh token is unknown or has run out; please sign in again."


class RefreshReused(NotSignedIn):
    """A refresh token came twice, long apart: one of the two senders is not who we signed in."""

    code = "refresh_reused"
    vi = "Mã làm mới đã được dùng trước đó. Để an toàn, phiên này đã bị kết thúc; hãy đăng nhập lại."
    en = "This refresh token was used before. To be safe the session has been ended; please sign in again."


class PhoneInvalid(Invalid):
    """Not a Vietnamese mobile number."""

    code = "phone_invalid"
    vi = "Số điện thoại không phải là số di động Việt Nam."
    en = "This is not a Vietnamese mobile number."


class CodeTooSoon(TooMany):
    """Another code was sent a moment ago."""

    code = "code_too_soon"
    vi = "Mã vừa được gửi; có thể yêu cầu mã mới sau {retry_after_s} giây."
    en = "A code was sent a moment ago; ask for another in {retry_after_s} seconds."


class TooManyCodes(TooMany):
    """The phone, or the address, has had all the codes of this hour."""

    code = "too_many_codes"
    vi = "Đã yêu cầu quá nhiều mã; hãy thử lại sau {retry_after_s} giây."
    en = "Too many codes were asked for; try again in {retry_after_s} seconds."


class CodeWrong(NotSignedIn):
    """Not the code that was sent."""

    code = "code_wrong"
    vi = "Mã xác thực không đúng; còn {tries_left} lần thử."
    en = "The code is wrong; {tries_left} tries are left."


class CodeExpired(NotSignedIn):
    """The code, right or wrong, came too late."""

    code = "code_expired"
    vi = "Mã xác thực đã hết hạn; hãy yêu cầu mã mới."
    en = "The code has run out; please ask for another."


class CodeSpent(NotSignedIn):
    """The code was used already, had its five tries, or was never sent."""

    code = "code_spent"
    vi = "Mã xác thực không còn dùng được; hãy yêu cầu mã mới."
    en = "The code can no longer be used; please ask for another."


class SignInFailed(NotSignedIn):
    """The name, the password or the second factor is wrong, or the account rests: never said which."""

    code = "sign_in_failed"
    vi = "Đăng nhập không thành công: tên hoặc mật khẩu không đúng, hoặc tài khoản đang tạm khóa sau nhiều lần sai."
    en = "Sign-in failed: the name or password is wrong, or the account rests after too many failures."


class TotpNeeded(NotSignedIn):
    """The password is right; this account also asks for a second factor."""

    code = "totp_needed"
    vi = "Tài khoản này cần mã xác thực hai lớp."
    en = "This account also needs a code from its authenticator."


class TooManySignIns(TooMany):
    """Too many failures from one address."""

    code = "too_many_sign_ins"
    vi = "Quá nhiều lần đăng nhập sai từ địa chỉ này; hãy thử lại sau {retry_after_s} giây."
    en = "Too many failed sign-ins from this address; try again in {retry_after_s} seconds."


class AccountClosed(NotPermitted):
    """The person proved who they are, and may not come in."""

    code = "account_closed"
    vi = "Tài khoản này đã bị đóng."
    en = "This account is closed."
