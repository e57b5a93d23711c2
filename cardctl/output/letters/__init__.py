"""Letters to customers: how they are worded (wording, templates) and what a mail of one looks like (message, addresses)."""
