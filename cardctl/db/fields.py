"""What tables are made of: the base of every row, the kinds of its columns, and checks. No table is defined here."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, cast

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, MetaData, String, Table
from sqlmodel import Field, SQLModel

from cardctl.db.columns import Text


class Row(SQLModel):
    """The base of every row. Constraint names are set from the first migration on: later ones find constraints by name."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def table_of(row: type[Row]) -> Table:
    """The Core table of a row class: lists are read as plain tuples, not as objects of a session."""
    return cast(Table, row.__table__)  # type: ignore[attr-defined]


def text_field(**options: Any) -> Any:
    return Field(sa_type=Text, **options)


def id_field(**options: Any) -> Any:
    return Field(sa_type=Text, primary_key=True, **options)


def sealed_field(**options: Any) -> Any:
    return Field(sa_type=Text, sa_column_kwargs={"info": {"sealed": True}}, **options)


def digest_field(of: str, **options: Any) -> Any:
    """A keyed hash of the sealed column `of`, by which its row is found."""
    return Field(sa_type=Text, sa_column_kwargs={"info": {"digest_of": of}}, **options)


def sealed_bytes_field(**options: Any) -> Any:
    return Field(sa_type=LargeBinary, sa_column_kwargs={"info": {"sealed": True}}, **options)


def minor_field(**options: Any) -> Any:
    return Field(sa_type=BigInteger, **options)


def currency_field(**options: Any) -> Any:
    return Field(sa_type=String(3), **options)


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(str(word)) for word in words)})", name=column)


def whole(name: str) -> CheckConstraint:
    """An amount has both of its columns or neither."""
    return CheckConstraint(f"({name}_minor IS NULL) = ({name}_currency IS NULL)", name=name)
