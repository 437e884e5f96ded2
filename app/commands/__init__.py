"""The command line `haigio`: what an administrator does at a terminal, and what ./run does before it starts the web."""
