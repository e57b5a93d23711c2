"""The migrations. One that was released is never changed again: it names its columns itself and imports no tables of ours."""
