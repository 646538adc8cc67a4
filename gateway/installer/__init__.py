"""Installs the gateway as a service, upgrades it, removes it: `systemd/install --help`.

Standard library alone, since it runs before anything is installed: from a checkout, or out of a wheel by
`PYTHONPATH=the.whl python3 -m gateway.installer`.

    /opt/gateway/versions/3      a virtual environment each; the newest and the one before
    /opt/gateway/bin             a link to the bin of the one that runs: what is switched at an upgrade, at once
"""
