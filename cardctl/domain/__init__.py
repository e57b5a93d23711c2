"""The words of the business; pure: no I/O, no clock, no SQL, no HTTP."""
