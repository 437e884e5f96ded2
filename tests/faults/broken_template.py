"""The workers of a release in which the words of one notice cannot be made: they name what nobody knows."""

import sys
from dataclasses import replace

from app.notifications import texts
from app.notifications.news import Notice
from workers.__main__ import main

whole = texts.templates()
broken = {
    language: {**notices, Notice.QUESTION: replace(notices[Notice.QUESTION], short="{nobody_knows_this}")}
    for language, notices in whole.items()
}
texts.templates = lambda: broken
sys.argv = ["workers", "work"]
sys.exit(main())
