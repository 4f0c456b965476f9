"""Asks dkimpy whether the DKIM signatures of messages hold. One JSON object a line in, one a line out."""
import base64
import json
import sys

import dkim


def verdicts(question):
    message = base64.b64decode(question["message"])
    records = {name.encode(): text.encode() for name, text in question["records"].items()}

    def dnsfunc(name, timeout=5):
        return records.get(name.rstrip(b"."), b"")

    def verdict(index):
        try:
            return dkim.DKIM(message).verify(idx=index, dnsfunc=dnsfunc)
        except dkim.DKIMException:
            return False

    return [verdict(index) for index in range(question["signatures"])]


for line in sys.stdin:
    try:
        print(json.dumps({"ok": verdicts(json.loads(line))}), flush=True)
    except Exception as error:  # the test shows it
        print(json.dumps({"error": repr(error)}), flush=True)
