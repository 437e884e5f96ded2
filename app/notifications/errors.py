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
    vi = "Hệ thống không gửi thông báo qua {platform}."
    en = "Nothing is sent by {platform} here."


class PushServiceUnknown(Invalid):
    """A browser's subscription that names a server which is no browser's."""

    code = "push_service_unknown"
    vi = "Trình duyệt này dùng dịch vụ thông báo mà hệ thống không hỗ trợ."
    en = "This browser uses a push service that is not supported."


class NoWebPush(NotFound):
    """Browsers are not reached from here."""

    code = "web_push_not_configured"
    vi = "Hệ thống chưa bật thông báo trên trình duyệt."
    en = "Notifications in browsers are not switched on here."


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
