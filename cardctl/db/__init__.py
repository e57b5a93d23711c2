"""Our books: tables, the unit of work, and one repository per noun."""
