"""What the chain of paid orders works with: both desks, the profile's terms, its mail."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cardctl.errors import BadConfig

if TYPE_CHECKING:
    from cardctl.config import Profile
    from cardctl.domain.accounts import Address, NewAccount
    from cardctl.domain.fulfilment import Terms
    from cardctl.runtime.run import Run
    from cardctl.services.flows.doctor.orders import Selling
    from cardctl.services.flows.fulfilling.shop import Shop

SALES, SUPPLY = "stripe", "zendit"
"""Where customers pay, and where it is bought."""
_HOLDER = "esim-wallet"


def shop(run: Run) -> Shop:
    """The shop of the profile. BadConfig or Unsupported, before any money moves, where its way to fill the wallet cannot work;
    BadConfig for a broken template."""
    from cardctl.domain.letters import domain_of  # noqa: PLC0415
    from cardctl.runtime.mailing import mailer  # noqa: PLC0415
    from cardctl.services.flows.fulfilling.shop import Shop  # noqa: PLC0415

    profile, mail = run.settings.profile, mailer(run)
    check(run)
    return Shop(
        sales=run.desk(provider=SALES),
        supply=run.desk(provider=SUPPLY),
        terms=terms(profile),
        holder=_holder(profile),
        mail=mail,
        mail_domain=domain_of(profile.mail.sender or ""),
    )


def check(run: Run) -> None:
    """BadConfig or Unsupported where the profile's way to fill the wallet cannot work; SecretProblem. Opens no books."""
    from cardctl.services.flows.fulfilling.paying_cards import check_card_taken  # noqa: PLC0415

    supply, sales = run.provider(SUPPLY), run.provider(SALES)
    _holder(run.settings.profile)
    if run.settings.profile.zendit.topup == "card":
        check_card_taken(supply, sales)


def sells(profile: Profile) -> bool:
    """Whether the profile says that it sells eSIMs: it is the supplier's, or has a table for it."""
    return profile.provider == SUPPLY or SUPPLY in profile.model_fields_set


def selling(run: Run) -> Selling | None:
    """What a doctor looks at; None where the profile does not say that it sells eSIMs."""
    from cardctl.db import maintenance  # noqa: PLC0415
    from cardctl.services.flows.doctor.orders import Selling  # noqa: PLC0415

    profile = run.settings.profile
    if not sells(profile):
        return None
    simulated = profile.environment == "simulator"
    there = maintenance.exist(run.database)
    return Selling(profile, (lambda: None) if simulated else (lambda: check(run)), (lambda: run.books) if there else None)


def terms(profile: Profile) -> Terms:
    """How the profile's orders are fulfilled."""
    from cardctl.domain.fulfilment import Terms, Topup  # noqa: PLC0415

    table = profile.zendit
    return Terms(
        topup=Topup(table.topup),
        reuse_card=table.topup_card == "reused",
        funds_within=timedelta(hours=table.funds_hours),
        sell_below_cost=table.sell_below_cost,
        accept_currencies=frozenset(table.accept_currencies),
        must_mail=profile.environment != "simulator",
    )


def _holder(profile: Profile) -> NewAccount:
    from cardctl.domain.accounts import NewAccount  # noqa: PLC0415

    told = profile.zendit.cardholder
    address = _address(profile)
    if address is None and profile.environment != "simulator" and profile.zendit.topup == "card":
        raise BadConfig(
            "zendit.cardholder needs line1, city, postal_code and country: cards that top the wallet up are issued to it"
        )
    return NewAccount(name=told.name or "eSIM wallet", external_id=_HOLDER, email=told.email, phone=told.phone, address=address)


def _address(profile: Profile) -> Address | None:
    from cardctl.domain.accounts import Address  # noqa: PLC0415

    told = profile.zendit.cardholder
    if told.line1 is None or told.city is None or told.postal_code is None or told.country is None:
        return None
    return Address(line1=told.line1, city=told.city, postal_code=told.postal_code, country=told.country, state=told.state)
