"""The settings of a process: read once from the environment, typed, refused with one clear message."""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, cast

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from environs import Env

# A bucket of an S3, and where in it; anything else that names where photos lie is a folder.
BUCKET = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[\w./-]*))?")

Environment = Literal["development", "test", "production"]


class SettingsError(Exception):
    """The environment lacks something without which the service must not start."""


@dataclass(frozen=True)
class Settings:
    """Where things are and which secrets protect them. Everything that is a rule lies in the database instead."""

    env: Environment
    database_url: str
    queue_url: str
    photos: str
    secret: str = field(repr=False)
    sms_url: str | None = field(default=None, repr=False)
    public_url: str = ""
    trusted_proxies: int = 0
    city_id: int = 1
    tiles_url: str | None = None
    tiles_attribution: str = ""
    live_url: str | None = None
    vapid_subject: str | None = None
    fcm_credentials: Path | None = None
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str | None = None
    gateway: Path | None = None

    def key(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose, derived from the secret (HKDF-SHA256, RFC 5869)."""
        return _derived(self.secret, purpose)

    @property
    def shows_codes(self) -> bool:
        """Whether a one-time code is shown in the answer: in development and tests, never in production."""
        return self.env != "production"


@cache
def _derived(secret: str, purpose: str) -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"haigio:{purpose}".encode())
    return hkdf.derive(secret.encode())


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises SettingsError naming everything that is missing or malformed, and never a value.
    """
    env = Env()
    environment = env.str("HAIGIO_ENV", "production")
    missing = [
        name
        for name in ("HAIGIO_DATABASE_URL", "HAIGIO_QUEUE_URL", "HAIGIO_PHOTOS", "HAIGIO_SECRET")
        if not env.str(name, "").strip()
    ]
    problems = [f"{name} is not set" for name in missing]
    if environment not in {"development", "test", "production"}:
        problems.append("HAIGIO_ENV must be development, test or production")
    if "HAIGIO_SECRET" not in missing and len(env.str("HAIGIO_SECRET")) < 32:
        problems.append("HAIGIO_SECRET must have at least 32 characters")
    if environment == "production" and not env.str("HAIGIO_SMS_URL", "") and not env.str("HAIGIO_GATEWAY", ""):
        problems.append(
            "neither HAIGIO_GATEWAY nor HAIGIO_SMS_URL is set: in production one-time codes must reach a phone"
        )
    photos = env.str("HAIGIO_PHOTOS", "").strip()
    if photos.startswith("s3:") and not BUCKET.fullmatch(photos):
        problems.append("HAIGIO_PHOTOS must be a folder or s3://bucket/prefix")
    tiles_url = env.str("HAIGIO_TILES_URL", "") or None
    if tiles_url and not _is_tiles_address(tiles_url):
        problems.append("HAIGIO_TILES_URL must be an http(s) address with {z}, {x} and {y} in its path")
    live_url = env.str("HAIGIO_LIVE_URL", "") or None
    if live_url and not _is_plain_address(live_url):
        problems.append("HAIGIO_LIVE_URL must be an http(s) address without a query")
    problems += _problems_of_channels(env)
    if environment == "production" and not env.str("HAIGIO_PUBLIC_URL", "").strip() and _reaches_people(env):
        problems.append("HAIGIO_PUBLIC_URL is not set: what is sent to people leads to this service")
    if problems:
        raise SettingsError("Hai Giờ cannot start: " + "; ".join(problems))
    return Settings(
        env=cast("Environment", environment),
        database_url=env.str("HAIGIO_DATABASE_URL"),
        queue_url=env.str("HAIGIO_QUEUE_URL"),
        photos=photos,
        secret=env.str("HAIGIO_SECRET"),
        sms_url=env.str("HAIGIO_SMS_URL", "") or None,
        public_url=env.str("HAIGIO_PUBLIC_URL", "").strip().rstrip("/"),
        trusted_proxies=env.int("HAIGIO_TRUSTED_PROXIES", 0),
        city_id=env.int("HAIGIO_CITY_ID", 1),
        tiles_url=tiles_url,
        tiles_attribution=env.str("HAIGIO_TILES_ATTRIBUTION", ""),
        live_url=live_url,
        vapid_subject=env.str("HAIGIO_VAPID_SUBJECT", "") or None,
        fcm_credentials=_path(env, "HAIGIO_FCM_CREDENTIALS"),
        smtp_url=env.str("HAIGIO_SMTP_URL", "") or None,
        mail_from=env.str("HAIGIO_MAIL_FROM", "") or None,
        gateway=_path(env, "HAIGIO_GATEWAY"),
    )


def _problems_of_channels(env: Env) -> list[str]:
    """What is wrong with the ways out to people, as far as can be seen without opening a file."""
    subject, smtp = env.str("HAIGIO_VAPID_SUBJECT", ""), env.str("HAIGIO_SMTP_URL", "")
    sender, sms = env.str("HAIGIO_MAIL_FROM", ""), env.str("HAIGIO_SMS_URL", "")
    problems = []
    if subject and not re.fullmatch(r"mailto:[^@\s]+@[^@\s]+|https://[^/\s]+\S*", subject):
        problems.append("HAIGIO_VAPID_SUBJECT must be mailto:… or https://…, where push services reach a person")
    if smtp and not re.fullmatch(r"smtp://[^\s/?#@]+/?|(smtps|smtp\+starttls)://[^\s/?#]+/?", smtp):
        problems.append(
            "HAIGIO_SMTP_URL must be smtp://host, smtp+starttls://user:password@host or smtps://user:password@host, "
            "a password never with smtp://"
        )
    if bool(smtp) != bool(sender):
        problems.append("HAIGIO_SMTP_URL and HAIGIO_MAIL_FROM are set both or none")
    if sender and not re.fullmatch(r"(?:[^<>@\r\n]+ <([^<>@\s]+@[^<>@\s]+)>|[^<>@\s]+@[^<>@\s]+)", sender):
        problems.append("HAIGIO_MAIL_FROM must be an address, or a name and <an address>")
    if sms and env.str("HAIGIO_GATEWAY", ""):
        problems.append("HAIGIO_GATEWAY and HAIGIO_SMS_URL are two ways to one place: set one")
    if sms and not re.match(r"https?://[^\s]+$", sms):
        problems.append("HAIGIO_SMS_URL must be an http(s) address")
    problems += [
        f"{name} must name a file"
        for name in ("HAIGIO_FCM_CREDENTIALS", "HAIGIO_GATEWAY")
        if (path := _path(env, name)) is not None and not path.is_file()
    ]
    return problems


def _reaches_people(env: Env) -> bool:
    """Whether there is a way out to people."""
    ways = ("HAIGIO_GATEWAY", "HAIGIO_SMS_URL", "HAIGIO_SMTP_URL", "HAIGIO_VAPID_SUBJECT", "HAIGIO_FCM_CREDENTIALS")
    return any(env.str(name, "").strip() for name in ways)


def _path(env: Env, name: str) -> Path | None:
    written = env.str(name, "")
    return Path(written) if written else None


def _is_tiles_address(url: str) -> bool:
    """Whether a map could fetch tiles there."""
    return _is_address(url) and all(part in url for part in ("{z}", "{x}", "{y}"))


def _is_plain_address(url: str) -> bool:
    return _is_address(url) and not {"?", "#"} & set(url)


def _is_address(url: str) -> bool:
    """Whether it is one. It goes into a security policy, so its host is taken literally."""
    return re.fullmatch(r"https?://[A-Za-z0-9.:-]+/[^\s;,'\"]*", url) is not None
