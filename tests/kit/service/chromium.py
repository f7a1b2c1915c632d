"""How the tests start Chromium."""

QUIET = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-sync", *QUIET]
