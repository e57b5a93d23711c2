"""Many writes by one list: `planning` reads the rows against our books, `tasks` are what they ask for, `working` does them."""
