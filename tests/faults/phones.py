"""Phones in the street and officers at their cases, who try again until they are told that it is done.

Everything they send carries an id of their own making, and is sent again with the same id when the answer was lost, as
a phone does. What was acknowledged is written into the ledger; what the service owes is judged by the ledger alone.
"""

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from gateway import NEVER, SLOW
from town import Town

from app.core.db import new_id
from running_copy import PLACES, photo

# One minute for these, by a policy of the town's own: rungs fall due while the suite runs.
SHORT, SHORT_S = "SW02", 60
USUAL_S = 7200
WITHOUT_PHOTO, WITH_PHOTO = "EN08", "SW01"

# How often a phone believes that an answer was lost which was not.
FORGETS = 0.05


@dataclass
class Case:
    """What a phone and the officers were told about one report."""

    id: str
    kind: str
    number: str = ""
    due_at: str = ""
    entries: dict[str, str] = field(default_factory=dict)  # id -> type of the timeline entry
    photos: dict[str, str] = field(default_factory=dict)  # sha256 -> role
    state: str = "received"


@dataclass
class Ledger:
    """Everything that was acknowledged, and everything that was answered as it must not be."""

    cases: list[Case] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)  # challenge -> number
    wrong: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    slowest_code: float = 0.0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def note(self, what: str, seconds: float = 0.0, **_: Any) -> None:
        with self._lock:
            self.counted[what] += 1
            self.waits.append(seconds)

    def count(self, what: str) -> None:
        with self._lock:
            self.counted[what] += 1

    def complain(self, what: str) -> None:
        with self._lock:
            self.wrong.append(what)


class Pace:
    """So many requests a second, shared by all; who is late is not made up for."""

    def __init__(self, a_second: float) -> None:
        self._gap = 1 / a_second
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next + self._gap, now)
            pause = self._next - now
        time.sleep(pause)


@dataclass
class Caller:
    """Somebody signed in, and how their requests are repeated until they are acknowledged."""

    town: Town
    ledger: Ledger
    pace: Pace
    address: str
    http: httpx.Client
    chance: random.Random
    tokens: dict[str, Any] = field(default_factory=dict)
    number: str = ""

    def __post_init__(self) -> None:
        self._renewing = threading.Lock()

    def send(self, what: str, method: str, path: str, **given: Any) -> httpx.Response | None:
        """The answer when it is a 2xx; None, and a complaint, when it can never become one."""
        began, pause = time.monotonic(), 0.2
        forgets = self.chance.random() < FORGETS
        while True:
            self.pace.wait()
            token = self.tokens.get("access_token")
            headers = {"X-Forwarded-For": self.address, **({"Authorization": f"Bearer {token}"} if token else {})}
            try:
                answer = self.http.request(method, f"{self.town.address}/api/v1{path}", headers=headers, **given)
            except httpx.TransportError:
                self.ledger.count("no answer")
            else:
                if answer.is_success and not forgets:
                    self.ledger.note(what, time.monotonic() - began)
                    return answer
                if answer.is_success:
                    forgets = False
                    continue
                if answer.status_code == 401 and token and self._renew(token):
                    continue
                if answer.status_code not in {429, 500, 502, 503, 504}:
                    self.ledger.complain(f"{what}: {method} {path} {answer.status_code} {answer.text[:300]}")
                    return None
                self.ledger.count(f"answered {answer.status_code}")
                if answer.status_code == 500:
                    self.ledger.complain(f"{what}: {method} {path} 500 {answer.text[:300]}")
            if time.monotonic() - began > 120:
                self.ledger.complain(f"{what}: {method} {path} was not acknowledged in two minutes")
                return None
            time.sleep(pause * (0.5 + random.random()))
            pause = min(pause * 2, 2.0)

    def _renew(self, spent: str) -> bool:
        with self._renewing:
            if self.tokens["access_token"] != spent:
                return True
            given = {"refresh_token": self.tokens["refresh_token"], "attempt": str(uuid4())}
            pale = Caller(self.town, self.ledger, self.pace, self.address, self.http, self.chance)
            answer = pale.send("sign-in", "POST", "/sessions/refresh", json=given)
            if answer is None:
                return False
            self.tokens = answer.json()
            return True


class Numbers:
    """Phone numbers, each given once."""

    def __init__(self) -> None:
        self._next, self._lock = random.randrange(10**5), threading.Lock()

    def fresh(self, ending: str = "") -> str:
        """One that the gateway answers at once, or one with the ending that is given."""
        with self._lock:
            self._next += 1
            # No number of the first sort ends as those that are kept waiting do.
            return f"09{self._next % 10**6:06d}{ending or '10'}"


@dataclass
class Street:
    """All who report and all who deal with it."""

    town: Town
    seed: int
    rate: float = 30
    threads: int = 14
    ledger: Ledger = field(default_factory=Ledger)
    officers: dict[str, Caller] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pace = Pace(self.rate)
        self.numbers = Numbers()
        self._over = threading.Event()
        self._running: list[threading.Thread] = []
        self._clients: list[httpx.Client] = []
        self._began = self._ended = 0.0

    def begin(self) -> None:
        for ward in PLACES:
            account = next(a for a in self.town.accounts if (a["role"], a["ward"]) == ("officer", ward))
            self.officers[ward] = self._caller(f"10.1.0.{len(self.officers) + 1}", self.seed)
            given = {key: account[key] for key in ("username", "password")}
            answer = self.officers[ward].send("sign-in", "POST", "/staff/sessions", json=given)
            assert answer is not None, self.ledger.wrong
            self.officers[ward].tokens = answer.json()
        self._began = time.monotonic()
        work: list[Callable[[int], None]] = [self._walk] * self.threads
        work += [self._wait_for_ever] * 2 if self.threads else []
        self._running = [threading.Thread(target=one, args=(i,), daemon=True) for i, one in enumerate(work)]
        for thread in self._running:
            thread.start()

    def end(self) -> float:
        """Let everybody finish what they are at; the seconds that all of it took."""
        self._over.set()
        self._ended = time.monotonic()
        for thread in self._running:
            thread.join(150)
            if thread.is_alive():
                self.ledger.complain("somebody is still waiting for an answer")
        while self._clients:
            self._clients.pop().close()
        return self._ended - self._began

    def _caller(self, address: str, seed: int) -> Caller:
        self._clients.append(httpx.Client(timeout=10))
        return Caller(self.town, self.ledger, self.pace, address, self._clients[-1], random.Random(seed))

    def shown_code(self, address: str, seed: int) -> Caller:
        """Somebody new, who signs in with the code that development shows: no text is waited for."""
        who = self._caller(address, seed)
        who.number, headers = self.numbers.fresh(), {"X-Forwarded-For": address}
        asked = who.http.post(
            f"{self.town.address}/api/v1/sessions/otp", json={"phone": who.number}, headers=headers
        ).json()
        given = {"challenge_id": asked["challenge_id"], "code": asked["dev_code"]}
        who.tokens = who.http.post(f"{self.town.address}/api/v1/sessions", json=given, headers=headers).json()
        return who

    def resident(self, address: str, seed: int) -> Caller | None:
        """Somebody new, who signs in with the code that came as a text. None when the suite ended meanwhile."""
        who = self._caller(address, seed)
        while not self._over.is_set():
            challenge = self._ask_code(who)
            asked, until = time.monotonic(), time.monotonic() + 90
            while not (texts := self.town.gateway.texts(challenge)) and time.monotonic() < until:
                if self._over.is_set():
                    return None
                time.sleep(0.1)
            if not texts:
                self.ledger.complain(f"the code of {challenge} was not there in 90 s")
                continue
            self.ledger.slowest_code = max(self.ledger.slowest_code, time.monotonic() - asked)
            code = next(word for word in texts[0][1].replace(",", " ").split() if word.isdigit() and len(word) >= 4)
            # A code is good once. Whoever loses the answer asks for another, as people do.
            with_code = {"challenge_id": challenge, "code": code}
            headers = {"X-Forwarded-For": address}
            try:
                answer = who.http.post(f"{self.town.address}/api/v1/sessions", json=with_code, headers=headers)
            except httpx.TransportError:
                continue
            if answer.status_code == 201:
                who.tokens = answer.json()
                return who
        return None

    def _ask_code(self, who: Caller, ending: str = "") -> str:
        """A challenge that was acknowledged. Whoever loses the answer would have to wait a minute: another asks instead."""
        while not self._over.is_set():
            number = self.numbers.fresh(ending)
            self.pace.wait()
            with suppress(httpx.TransportError):
                answer = who.http.post(
                    f"{self.town.address}/api/v1/sessions/otp",
                    json={"phone": number}, headers={"X-Forwarded-For": who.address},
                )  # fmt: skip
                if answer.status_code == 202:
                    challenge = str(answer.json()["challenge_id"])
                    self.ledger.note("code of a slow gateway" if ending else "code")
                    who.number = number
                    if not ending:
                        self.ledger.codes[challenge] = number
                    return challenge
                if answer.status_code < 500:
                    self.ledger.complain(f"code: {answer.status_code} {answer.text[:300]}")
            time.sleep(0.3)
        return ""

    def _wait_for_ever(self, place: int) -> None:
        """Ask now and then for a code that the gateway takes a minute for, or never lets come."""
        ending, who = (SLOW, NEVER)[place % 2], self._caller(f"10.9.0.{place}", self.seed + place)
        turn = 0
        while not self._over.wait(12):
            turn += 1
            who.address = f"10.9.{turn % 250}.{place}"
            self._ask_code(who, ending)

    def _walk(self, place: int) -> None:
        chance = random.Random(self.seed * 1000 + place)
        turn = 0
        while not self._over.is_set():
            turn += 1
            who = self.resident(f"10.2.{turn % 250}.{place}", self.seed * 1000 + place + turn)
            for _ in range(40):  # more in an hour from one person would be refused
                if who is None or self._over.is_set():
                    break
                self._story(who, chance)

    def _story(self, who: Caller, chance: random.Random) -> None:
        """One report, from the street to its end, or as far as the suite lets it."""
        kind = chance.choices((WITHOUT_PHOTO, WITH_PHOTO, SHORT), (55, 25, 20))[0]
        ward = chance.choice(list(PLACES))
        place = {key: value + chance.uniform(-0.001, 0.001) for key, value in PLACES[ward].items()}
        case = Case(str(new_id()), kind)
        before = picture(chance) if kind == WITH_PHOTO else None
        body = {
            "id": case.id,
            "kind": kind,
            "location": place,
            "note": "Lấn chiếm",
            "photos": [before[0]] if before else [],
        }
        answer = who.send("report", "POST", "/reports", json=body)
        if answer is None:
            return
        case.number, case.due_at = answer.json()["number"], answer.json()["due_at"]
        self.ledger.cases.append(case)
        if before:
            self._photo(who, case, before, "before")
        for step in self._steps(kind, chance):
            if self._over.is_set():
                return
            if not (ward := self._step(step, case, ward, who, chance)):
                return

    @staticmethod
    def _steps(kind: str, chance: random.Random) -> list[str]:
        if kind == SHORT:  # nobody deals with it in time
            return ["accept"] if chance.random() < 0.3 else []
        steps = ["hand_over"] if chance.random() < 0.15 else []
        steps += ["accept", "arrive"]
        steps += ["ask", "answer"] if chance.random() < 0.4 else []
        steps += ["message"] if chance.random() < 0.5 else []
        steps += ["add"] if chance.random() < 0.2 else []
        return [*steps, *(["conclude"] if chance.random() < 0.9 else [])]

    def _step(self, step: str, case: Case, ward: str, who: Caller, chance: random.Random) -> str:
        """Take a step; the ward that has the case then, or nothing when it went wrong."""
        officer, entry_id = self.officers[ward], str(new_id())
        other = next(code for code in PLACES if code != ward)
        said: dict[str, dict[str, Any]] = {
            "accept": {"to": "accepted"},
            "hand_over": {"to": "received", "ward": other, "reason": "Thuộc phường bên"},
            "arrive": {"to": "on_site"},
            "ask": {"to": "awaiting_resident", "question": "Nhà số mấy?"},
            "answer": {"to": "on_site", "answer": "Số 12"},
            "message": {"type": "message", "text": "Đang xử lý"},
            "add": {"type": "add", "text": "Vẫn còn"},
            "conclude": {"to": "concluded", "outcome": "gone", "note": "Đã dọn"},
        }
        given = {"id": entry_id, **said[step]}
        if step == "conclude" and case.kind == WITH_PHOTO:
            after = picture(chance)
            if not self._photo(officer, case, after, "after"):
                return ""
            given["photos"] = [after[0]]
        by = who if step in {"answer", "add"} else officer
        path = f"/reports/{case.id}/{'moves' if 'to' in given else 'entries'}"
        answer = by.send("move" if "to" in given else "entry", "POST", path, json=given)
        if answer is None:
            return ""
        case.entries[entry_id] = step
        case.due_at = answer.json()["due_at"]
        if "to" in given:
            case.state = given["to"]
            if answer.json()["state"] != case.state:
                self.ledger.complain(f"{case.id} is {answer.json()['state']} after {step}")
        return other if step == "hand_over" else ward

    def _photo(self, who: Caller, case: Case, taken: tuple[str, bytes], role: str) -> bool:
        sha256, content = taken
        path = f"/reports/{case.id}/photos/{sha256}?role={role}"
        if who.send("photo", "PUT", path, content=content) is None:
            return False
        case.photos[sha256] = role
        return True


def picture(chance: random.Random) -> tuple[str, bytes]:
    """A small photo that is like no other, and its name."""
    content = photo(chance.randrange(2**60), size=(320, 240))
    return hashlib.sha256(content).hexdigest(), content
