"""The web process: the page, the metrics and the health of a gateway over HTTP; a child of the gateway's own process.

It reads what the gateway sends it, and changes nothing. It imports starlette and uvicorn, and the gateway does not.

__main__.py   its life
link.py       the way to the gateway
hub.py        what is shown now, and the pages that look
guard.py      who may ask for what
app.py        the addresses
metrics.py    documents as metrics
server.py     HTTP, and how much of it there may be
page/         the page itself: files that a browser takes as they are
"""
