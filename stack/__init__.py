"""What ./run and ./test do: a private PostgreSQL with PostGIS, a private Valkey, and the processes of Hai Giờ.

Runs on the system's Python before anything is installed, so it uses the standard library only and imports
nothing of app, geo or workers; it talks to them as a shell would, by commands and environment variables.
"""
