"""Three pages for people, over the same API as a phone's app: `/` for residents, `/desk` for staff, `/board` for leaders.

What the server sends are empty forms, the same for everybody; who somebody is and what they may see comes from the API
alone. So a page holds no personal data, and there is no second way past a permission.
"""

from flask import Flask

from app.web import assets, language, pages


def register(app: Flask) -> None:
    """Hang the pages, their files and their languages on the app."""
    app.jinja_env.autoescape = True
    language.register(app)
    assets.register(app)
    app.register_blueprint(pages.blueprint)
