"""The other side of the ways out, on 127.0.0.1: servers that take what is sent, answer, refuse, hang, drip or vanish."""

import datetime as dt
import email
import email.policy
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Behaviour = Callable[["_Handler"], None]


@dataclass
class Got:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]  # by their names in small letters
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpPeer:
    """An HTTP server: the next of `answers` says how it behaves, and `otherwise` when there is none left."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: list[Behaviour] = field(default_factory=list)
    otherwise: Behaviour = field(default_factory=lambda: answer(200))
    over: threading.Event = field(default_factory=threading.Event)


def answer(status: int, document: Any = None, **headers: str) -> Behaviour:
    """Answers with a status and perhaps a JSON document."""

    def behave(handler: "_Handler") -> None:
        body = b"" if document is None else json.dumps(document).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def by(decide: Callable[[Got], Behaviour]) -> Behaviour:
    """Answers as the request deserves."""

    def behave(handler: "_Handler") -> None:
        decide(handler.peer.got[-1])(handler)

    return behave


def hang(handler: "_Handler") -> None:
    """Says nothing for a minute."""
    handler.peer.over.wait(60)


def drip(handler: "_Handler") -> None:
    """Sends a byte of a well-formed answer every tenth of a second, without end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.peer.over.wait(0.1):
        handler.wfile.write(b"a")


def drip_body(handler: "_Handler") -> None:
    """Says "taken", and sends a body of unknown length, slowly."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not handler.peer.over.wait(0.1):
        handler.wfile.write(b"a")


def flood(handler: "_Handler") -> None:
    """Answers with ten megabytes."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(160):
        handler.wfile.write(b"a" * 65_536)


def vanish(handler: "_Handler") -> None:
    """Closes without a word."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def babble(handler: "_Handler") -> None:
    """Speaks no HTTP."""
    handler.wfile.write(b"220 this is something else\r\n")


class _Handler(BaseHTTPRequestHandler):
    """One request; BaseHTTPRequestHandler closes the connection after it."""

    peer: HttpPeer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.peer.got.append(Got(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        behaviour = self.peer.answers.pop(0) if self.peer.answers else self.peer.otherwise
        try:
            behaviour(self)
        except OSError:  # the client has had enough
            self.close_connection = True

    def do_GET(self) -> None:
        self.peer.got.append(Got(self.path, {}, b"a redirect was followed"))
        answer(200)(self)

    def log_message(self, *_: object) -> None:
        pass

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            self.close_connection = True


@contextmanager
def http_peer(certificate: Path | None = None) -> Iterator[HttpPeer]:
    """A server on a port of its own, with TLS as `localhost` if it is given a certificate."""
    peer = HttpPeer()
    handler = type("Handler", (_Handler,), {"peer": peer})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        host = "http://127.0.0.1" if certificate is None else "https://localhost"
        peer.url = f"{host}:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield peer
        peer.over.set()
        server.shutdown()
        thread.join()


@dataclass
class SmtpPeer:
    """A mail server. `codes` says what it answers to a verb instead of yes, as in `{"RCPT": 550}`; 0 is never."""

    port: int = 0
    mails: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    offers: list[str] = field(default_factory=list)
    certificate: Path | None = None
    drips: bool = False
    over: threading.Event = field(default_factory=threading.Event)

    def serve(self, connection: socket.socket) -> None:
        """Speak SMTP with one client until it goes away."""
        if not self._say(connection, "220 peer ready"):
            return
        lines = connection.makefile("rb")
        while line := lines.readline():
            command = line.decode("ascii", "surrogateescape").strip()
            self.said.append(command)
            verb = command.partition(" ")[0].upper()
            code = self.codes.get(verb)
            if code == 0:
                self.over.wait(60)
                return
            if code is not None:
                connection.sendall(f"{code} no\r\n".encode())
            elif verb == "EHLO":
                offered = ["peer", *self.offers]
                answers = [f"250{'-' if i < len(offered) - 1 else ' '}{one}\r\n" for i, one in enumerate(offered)]
                connection.sendall("".join(answers).encode())
            elif verb == "STARTTLS":
                connection.sendall(b"220 go\r\n")
                lines.close()
                connection = self._secured(connection)
                lines = connection.makefile("rb")
            elif verb == "AUTH":
                connection.sendall(b"235 welcome\r\n")
            elif verb == "DATA":
                connection.sendall(b"354 go on\r\n")
                self._take(b"".join(iter(lines.readline, b".\r\n")))
                connection.sendall(f"{self.codes.get('.', 250)} done\r\n".encode())
            else:
                connection.sendall(b"250 yes\r\n")
        lines.close()
        connection.close()

    def _take(self, content: bytes) -> None:
        """Keep a mail, under the sender and recipients that were named before it."""
        begin = max(i for i, said in enumerate(self.said) if said.lower().startswith("mail from"))
        recipients = [said for said in self.said[begin:] if said.lower().startswith("rcpt to")]
        mail = email.message_from_bytes(content, policy=email.policy.default)
        self.mails.append((self.said[begin], recipients, mail))

    def _say(self, connection: socket.socket, greeting: str) -> bool:
        if not self.drips:
            connection.sendall(f"{greeting}\r\n".encode())
            return True
        while not self.over.wait(0.1):
            connection.sendall(b"220-slowly\r\n")
        return False

    def _secured(self, connection: socket.socket) -> socket.socket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        return context.wrap_socket(connection, server_side=True)


@contextmanager
def smtp_peer(certificate: Path | None = None, *, implicit: bool = False) -> Iterator[SmtpPeer]:
    """A mail server on a port of its own: with STARTTLS if given a certificate, or all in TLS if `implicit`."""
    peer = SmtpPeer(certificate=certificate)
    if certificate is not None and not implicit:
        peer.offers.append("STARTTLS")
    listener = socket.create_server(("127.0.0.1", 0))
    peer.port = listener.getsockname()[1]

    def one(connection: socket.socket) -> None:
        with connection:
            try:
                if implicit:
                    with peer._secured(connection) as secured:
                        peer.serve(secured)
                else:
                    peer.serve(connection)
            except OSError:  # the client has had enough
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=one, args=(connection,), daemon=True)
            thread.start()
            threads.append(thread)

    threads: list[threading.Thread] = []
    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    yield peer
    peer.over.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    accepting.join(5)
    for thread in threads:
        thread.join(5)


def self_signed(folder: Path) -> Path:
    """A certificate for localhost and 127.0.0.1 with its key, in one file that also serves as its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin.replace(year=2126))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "localhost.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path
