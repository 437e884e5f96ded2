"""Texts over HTTP gateways that files describe; the examples that ship are held to what they say."""

from pathlib import Path

import pytest
import structlog

import app.notifications.channels
import peers
from app.config import SettingsError
from app.notifications.channels import Gone, Message, Refused, Unreachable
from app.notifications.channels.gateway import Gateway, read_form, simple, text_of, without_marks
from app.notifications.channels.log import LogTexts
from app.notifications.channels.outgoing import Outgoing

EXAMPLES = Path(app.notifications.channels.__file__).parent / "examples"
SECRETS = {"SMS_API_KEY": "key-of-sms", "SMS_API_SECRET": "secret-of-sms", "ZNS_ACCESS_TOKEN": "token-of-zns"}
TO = "+84912345678"

CODE = Message("", "Mã xác thực của bạn là 123456", None, topic="code", language="vi", params={"code": "123456"})


def written(tmp_path, text):
    path = tmp_path / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return path


def example(name, peer, tmp_path):
    """An example that ships, with its address changed to the peer's."""
    lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines()
    moved = [f'url = "{peer.url}/send"' if line.startswith("url =") else line for line in lines]
    return Gateway(read_form(written(tmp_path, "\n".join(moved)), SECRETS), Outgoing())


def test_the_simple_gateway_gets_number_text_and_a_key_that_tells_repetitions(peer):
    Gateway(simple(peer.url + "/send"), Outgoing()).send(TO, CODE, key="a-challenge")
    (got,) = peer.got
    assert (got.path, got.json) == ("/send", {"to": TO, "text": "Mã xác thực của bạn là 123456"})
    assert got.headers["content-type"] == "application/json"
    assert got.headers["idempotency-key"] == "a-challenge"


def test_a_brandname_gateway_gets_a_local_number_and_a_text_without_marks(peer, tmp_path, message):
    peer.otherwise = peers.answer(200, {"code": 100})
    example("sms-brandname.toml", peer, tmp_path).send(TO, message, key="n-1")
    assert peer.got[0].json == {
        "api_key": "key-of-sms",
        "api_secret": "secret-of-sms",
        "brandname": "HAIGIO",
        "phone": "0912345678",
        "content": "Phuong Binh Thanh da tiep nhan phan anh cua ban. https://haigio.example/r/123",
        "request_id": "n-1",
    }


def test_a_gateway_with_approved_templates_gets_their_id_and_values(peer, tmp_path):
    peer.otherwise = peers.answer(200, {"error": 0, "message": "Success"})
    channel = example("zalo-zns.toml", peer, tmp_path)
    channel.send(TO, CODE, key="n-1")
    facts = {"number": "2026-1", "unit": "Phường Bình Thạnh", "outcome": "Đã nhắc nhở", "more": "unused"}
    concluded = Message("t", "b", None, "concluded", "vi", facts)
    channel.send(TO, concluded, key="n-2")
    code, conclusion = peer.got
    assert code.headers["access_token"] == "token-of-zns"
    assert code.json == {
        "phone": "84912345678",
        "template_id": "100001",
        "template_data": {"otp": "123456"},
        "tracking_id": "n-1",
    }
    assert conclusion.json["template_data"] == {
        "so_ho_so": "2026-1",
        "don_vi": "Phường Bình Thạnh",
        "ket_qua": "Đã nhắc nhở",
    }


def test_what_no_template_was_approved_for_is_not_sent(peer, tmp_path, message):
    channel = example("zalo-zns.toml", peer, tmp_path)
    with pytest.raises(Refused, match="no approved template"):
        channel.send(TO, message, key="k")
    with pytest.raises(Refused, match="number, outcome, unit"):
        channel.send(TO, Message("t", "b", None, "concluded", "vi"), key="k")
    assert peer.got == []


@pytest.mark.parametrize(
    ("document", "raised"),
    [
        ({"code": 100}, None), ({"code": "100"}, None), ({"code": 124}, None),
        ({"code": 99}, Gone), ({"code": 104}, Refused), ({"code": "119"}, Refused),
        ({"code": 500}, Unreachable), ({"code": None}, Unreachable), ({"code": True}, Unreachable),
        ({"other": 100}, Unreachable), ([], Unreachable), ("100", Unreachable), (None, Unreachable),
    ],
)  # fmt: skip
def test_a_200_is_not_yet_taken(peer, tmp_path, message, document, raised):
    peer.otherwise = peers.answer(200, document)
    channel, outcome = example("sms-brandname.toml", peer, tmp_path), None
    try:
        channel.send(TO, message, key="k")
    except (Gone, Refused, Unreachable) as error:
        outcome = type(error)
    assert outcome is raised


@pytest.mark.parametrize(
    ("status", "raised"),
    [(302, Refused), (400, Refused), (401, Unreachable), (402, Unreachable), (404, Unreachable), (429, Unreachable),
     (500, Unreachable), (503, Unreachable)],
)  # fmt: skip
def test_what_lies_with_us_or_passes_is_tried_again(peer, status, raised):
    peer.answers.append(peers.answer(status))
    with pytest.raises(raised, match=str(status)):
        Gateway(simple(peer.url), Outgoing()).send(TO, CODE, key="k")
    assert len(peer.got) == 1


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        (
            "Đã xử lý xong: Phường Bình Thạnh, đường Điện Biên Phủ",
            "Da xu ly xong: Phuong Binh Thanh, duong Dien Bien Phu",
        ),
        ("ăâđêôơư ĂÂĐÊÔƠƯ ằẵặ ỷỹỵ", "aadeoou AADEOOU aaa yyy"),
        ("“Hết hạn” – còn 5′… 200.000₫ 🚧", '"Het han" - con 5... 200.000d '),
        ("a\u0300 o\u031b", "a o"),
        ("plain text stays", "plain text stays"),
        ("", ""),
    ],
)
def test_marks_are_taken_off(marked, plain):
    assert without_marks(marked) == plain


def test_a_long_text_is_cut_to_three_messages_and_its_link_stays_whole():
    long = Message("", "Đường " * 200, "https://haigio.example/r/123", "x", "vi")
    for marks in (True, False):
        text = text_of(long, marks=marks)
        assert len(text) <= 480
        assert len(text) > 470
        assert text.endswith("... https://haigio.example/r/123")


LEAST = 'url = "https://gateway.example/"\n[body]\nto = "{to}"\n'


def test_values_are_filled_where_they_stand_and_nowhere_else(peer, tmp_path):
    form = read_form(
        written(
            tmp_path,
            f'url = "{peer.url}"\n[headers]\nX-Key = "k {{key}}"\n[body]\nlist = [{{ to = "{{to}}" }}, 7, true]\nfixed = "a {{b"\n'
            'text = "[{text}]"\n',
        ),
        {},
    )
    odd = Message("", 'a "quoted" {to} {nothing} ${HOME}', None, "x", "vi")
    Gateway(form, Outgoing()).send(TO, odd, key="n\r\nX-Evil: 1")
    (got,) = peer.got
    assert got.json == {"list": [{"to": TO}, 7, True], "fixed": "a {b", "text": '[a "quoted" {to} {nothing} ${HOME}]'}
    assert got.headers["x-key"] == "k nX-Evil: 1"
    assert "x-evil" not in got.headers


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("=", "readable TOML"), ("[body]\n", "url is missing"), ('url = "https://g.example/"', "body is missing"),
        ('url = "ftp://g.example/"\n[body]\n', "http"), ("url = 7\n[body]\n", "wrong type|http"),
        ('urll = "x"\n' + LEAST, "urll"), (LEAST + 'text = "{txt}"', r"\{txt\}"), (LEAST + 'key = "${NOT_SET}"', "NOT_SET"),
        (LEAST + "[templates]\ncode = 7", "wrong type"), (LEAST + "[templates.code]\nname = 'x'", "id is missing"),
        (LEAST + "[answer]\ncode = 'code'", "answer"), (LEAST + "[answer]\ntaken = [1]", "answer"),
        (LEAST + "[answer]\ncode = 'c'\ntaken = [1]\nokay = [2]", "answer"), ('body = 7\nurl = "https://g.example/"', "type"),
        (LEAST + "template = '{template_id}'", "templates"), (LEAST + "[answer]\ncode = 'c'\ntaken = 7", "wrong type"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_by_what_is_wrong(tmp_path, text, named):
    with pytest.raises(SettingsError, match=named) as refused:
        read_form(written(tmp_path, text), {"HOME": "/"})
    assert str(refused.value).startswith("Hai Giờ cannot start: HAIGIO_GATEWAY: ")


def test_a_secret_is_taken_literally(peer, tmp_path):
    text = f'url = "{peer.url}"\n[headers]\nX-Key = "${{KEY}}"\n[body]\ntext = "${{KEY}} {{key}}"\n'
    Gateway(read_form(written(tmp_path, text), {"KEY": "{odd} ${KEY}"}), Outgoing()).send(TO, CODE, key="n-1")
    assert peer.got[0].json == {"text": "{odd} ${KEY} n-1"}
    assert peer.got[0].headers["x-key"] == "{odd} ${KEY}"


@pytest.mark.parametrize("said", ["true", '"true"'])
def test_a_code_may_be_a_truth(peer, tmp_path, said):
    peer.otherwise = peers.answer(200, {"data": {"success": True}})
    text = LEAST.replace("https://gateway.example/", peer.url) + f"[answer]\ncode = 'data.success'\ntaken = [{said}]\n"
    Gateway(read_form(written(tmp_path, text), {}), Outgoing()).send(TO, CODE, key="k")


def test_secrets_do_not_show_when_printed(tmp_path):
    form = read_form(EXAMPLES / "sms-brandname.toml", SECRETS)
    assert "of-sms" not in repr(form)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://gateway/send", "gateway:80/send"])
def test_only_http_is_a_gateway(url):
    with pytest.raises(SettingsError, match="HAIGIO_SMS_URL") as refused:
        simple(url)
    assert url not in str(refused.value)


def test_in_development_the_log_holds_the_text_and_three_digits_of_the_number():
    with structlog.testing.capture_logs() as lines:
        LogTexts().send(TO, CODE, key="k")
    assert lines[0]["text"] == "Mã xác thực của bạn là 123456"
    assert lines[0]["to"] == "…678"
    assert "912345" not in str(lines)
