"""What can be wrong with a device or a webhook."""

from app.core.errors import Conflict, Invalid, NotFound


class DeviceNotFound(NotFound):
    """No such device of the asker's."""

    code = "device_not_found"
    vi = "Không tìm thấy thiết bị này."
    en = "There is no such device."


class WebhookNotFound(NotFound):
    """No such webhook, or one that was taken away."""

    code = "webhook_not_found"
    vi = "Không tìm thấy webhook này."
    en = "There is no such webhook."


class PlatformNotServed(Invalid):
    """Nobody here can send to this kind of token."""

    code = "platform_not_served"
    vi = "Chưa gửi được thông báo qua {platform}; điện thoại iPhone dùng mã đăng ký của FCM."
    en = "Nothing is sent by {platform}; iPhones are reached with their registration token of FCM."


class TokenMalformed(Invalid):
    """A token that no push service of this kind gave."""

    code = "device_token_malformed"
    vi = "Mã đăng ký của thiết bị không hợp lệ."
    en = "This is no token of this platform."


class TooManyWebhooks(Conflict):
    """Every case would be told to too many outsiders."""

    code = "too_many_webhooks"
    vi = "Chỉ có thể đăng ký nhiều nhất {limit} webhook; hãy gỡ bớt trước."
    en = "At most {limit} webhooks can be registered; please remove one first."
