"""Passwords and second factors."""

import unicodedata
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from pyotp import TOTP

from app.identity import passwords

NOW = datetime(2026, 11, 2, 8, 0, 10, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def test_a_password_fits_its_own_hash_only():
    stored = passwords.hashed("Phường Bình Thạnh 2026")
    assert passwords.fits(stored, "Phường Bình Thạnh 2026")
    assert not passwords.fits(stored, "phường Bình Thạnh 2026")
    assert not passwords.fits(stored, "")
    assert passwords.hashed("Phường Bình Thạnh 2026") != stored


def test_another_keyboards_letters_are_the_same_password():
    composed = unicodedata.normalize("NFC", "Phường")
    taken_apart = unicodedata.normalize("NFD", "Phường")
    assert composed != taken_apart
    assert passwords.fits(passwords.hashed(composed), taken_apart)


def test_what_is_stored_is_argon2id_with_the_stated_cost():
    made = extract_parameters(passwords.hashed("x"))
    assert (made.type, made.memory_cost, made.time_cost, made.parallelism) == (Type.ID, 19 * 1024, 2, 1)


def test_nobodys_hash_costs_the_same_and_fits_nothing():
    assert extract_parameters(passwords.NOBODYS) == extract_parameters(passwords.hashed("x"))
    assert not passwords.fits(None, "")
    assert not passwords.fits(None, "anything")


def test_a_hash_that_is_none_fits_nothing():
    assert not passwords.fits("!", "!")


def test_a_hash_of_other_parameters_is_dated():
    assert passwords.is_dated(PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("x"))
    assert not passwords.is_dated(passwords.hashed("x"))


def test_an_authenticator_may_be_half_a_minute_off():
    said = {seconds: TOTP(SECRET).at(NOW + timedelta(seconds=seconds)) for seconds in (-60, -30, 0, 30, 60)}
    fits = {seconds: passwords.totp_fits(SECRET, code, now=NOW) for seconds, code in said.items()}
    assert fits == {-60: False, -30: True, 0: True, 30: True, 60: False}
    assert passwords.totp_fits(SECRET, f" {said[0]} ", now=NOW)
    assert not passwords.totp_fits(SECRET, "", now=NOW)
