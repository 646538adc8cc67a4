"""The web process: the page, the metrics and the health of a gateway over HTTP; a child of the gateway's own process.

It reads what the gateway sends it, and changes nothing. It imports starlette and uvicorn, and the gateway does not.

__main__.py       its life
link.py           the way to the gateway
asking.py         what is asked of it for many at once
hub.py            what is shown now, and the pages that look
events.py         the stream that a page listens to
guard.py          who may ask for what
login.py          the token, given once
app.py            the addresses
capture.py        a board's newest bytes as a capture
configuration.py  the configuration without its secrets
metrics.py        documents as metrics, by the names in metric_names.py
readiness.py      what a gateway lacks for its work
server.py         HTTP, and how much of it there may be
page/             the page itself: files that a browser takes as they are
"""
