"""What counts as one address."""

from app.identity.addresses import tag

KEY = b"k" * 32


def test_a_tag_tells_nothing_without_the_key():
    assert tag(KEY, "203.0.113.7") == tag(KEY, "203.0.113.7")
    assert tag(KEY, "203.0.113.7") != tag(b"another", "203.0.113.7")
    assert tag(KEY, "203.0.113.7") != tag(KEY, "203.0.113.8")
    assert len(tag(KEY, "203.0.113.7")) == 16


def test_a_subscribers_whole_prefix_is_one_address():
    assert tag(KEY, "2001:db8:1:2::1") == tag(KEY, "2001:db8:1:2:ffff:ffff:ffff:ffff")
    assert tag(KEY, "2001:db8:1:2::1") != tag(KEY, "2001:db8:1:3::1")


def test_an_old_address_in_new_clothes_is_the_old_one():
    assert tag(KEY, "::ffff:203.0.113.7") == tag(KEY, "203.0.113.7")


def test_what_is_no_address_counts_as_itself():
    assert tag(KEY, "unknown") == tag(KEY, "unknown")
