"""Who answers for a secret: credentials directory, the profile's command, environment, keyring; in the simulator keys are made.

`names` (what a secret may be called), `chain` (the order of asking), `sources` (a file, a command), `vault` (the keyring within
one second), `development` (the simulator's encryption key). Settings are handed in; which key fits is judged elsewhere.
"""

from cardctl.secrets.chain import Attempt, Found, Present, Secrets
from cardctl.secrets.development import new_encryption_key
from cardctl.secrets.names import NAMES

__all__ = ["NAMES", "Attempt", "Found", "Present", "Secrets", "new_encryption_key"]
