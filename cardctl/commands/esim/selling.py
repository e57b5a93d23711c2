"""The verbs of `cardctl esim` about what is sold: offers, balance, checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cardctl.commands._options import (
    DryRunOption,
    IdempotencyKeyOption,
    LimitOption,
    LiveOption,
    OutputOption,
    ProfileOption,
    TimeoutOption,
)
from cardctl.commands.esim._words import (
    SALES,
    SUPPLY,
    AllOption,
    BrandOption,
    CancelUrlOption,
    CountryOption,
    CurrencyOption,
    NameOption,
    OfferArgument,
    PriceOption,
    RecipientOption,
    RegionOption,
    SuccessUrlOption,
    TransactionOption,
)
from cardctl.domain.money import Money
from cardctl.errors import BadInput
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.domain.esims import Offer


def offers(
    country: CountryOption = None,
    region: RegionOption = None,
    brand: BrandOption = None,
    every: AllOption = False,
    limit: LimitOption = None,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List what the supplier sells, as it says just now.

    Example: cardctl esim offers --country TR -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import limited  # noqa: PLC0415
    from cardctl.output import order_shapes, tables  # noqa: PLC0415
    from cardctl.providers.base import require  # noqa: PLC0415
    from cardctl.providers.selling import SellsEsims  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=SUPPLY, timeout=timeout) as run:
        seller = require(run.provider(SUPPLY), SellsEsims)
        pages = seller.offers(country=country.upper() if country else None, region=region)
        found = (one for page in pages for one in page if (every or one.enabled) and brand in (None, one.brand))
        some, cut = limited(found, limit)
        shape = order_shapes.offer_row if output is Output.TABLE else order_shapes.offer
        run.console.rows(map(shape, some), tables.OFFERS, limit_cut=cut)


def balance(profile: ProfileOption = None, timeout: TimeoutOption = None, output: OutputOption = Output.TABLE) -> None:
    """Show the wallet: what orders have spoken for, and wait for.

    Example: cardctl esim balance -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output import chain_shapes  # noqa: PLC0415
    from cardctl.services.wallets import look  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=SUPPLY, timeout=timeout) as run:
        seen = look(run.desk(provider=SUPPLY))
        told = chain_shapes.wallet(seen)
        if output in (Output.CSV, Output.NDJSON):
            run.console.rows(iter(told), chain_shapes.WALLET_COLUMNS)
            return
        run.console.done({"topup": run.settings.profile.zendit.topup, "wallet": told}, chain_shapes.wallet_lines(seen))


def checkout(
    offer: OfferArgument,
    recipient: RecipientOption,
    name: NameOption = None,
    price: PriceOption = None,
    currency: CurrencyOption = None,
    transaction_id: TransactionOption = None,
    success_url: SuccessUrlOption = None,
    cancel_url: CancelUrlOption = None,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make a page on which a customer pays for an eSIM.

    Paid, it is an order, which `webhook serve --fulfil` hears of, or `esim fulfil --session` is told. The page's address is
    printed, and kept nowhere.

    Example: cardctl esim checkout ESIM-TR-7D-1GB --recipient a@example.com --price 4.90 --currency USD
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.commands.esim._shown import checkout_name  # noqa: PLC0415
    from cardctl.output import writes  # noqa: PLC0415
    from cardctl.runtime.fulfilling import terms  # noqa: PLC0415
    from cardctl.services.deeds import checking_out  # noqa: PLC0415
    from cardctl.services.flows.fulfilling.offering import check_offer, check_price, checkout_of, wanted_checkout  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=SALES, live=live, timeout=timeout) as run:
        found = check_offer(run.desk(provider=SUPPLY), offer)
        urls = (success_url or run.settings.profile.stripe.success_url, cancel_url or run.settings.profile.stripe.cancel_url)
        named = transaction_id or checkout_name(run, idempotency_key)
        asked = _price(found, price, currency)
        check_price(found, asked, terms(run.settings.profile))
        wanted = wanted_checkout(found, asked, recipient, name, named, urls)
        desk = run.desk(provider=SALES)
        if dry_run:
            _frame.show_rehearsal(run, checking_out.rehearse_checkout(desk, wanted, caller_key=idempotency_key))
            return
        done = checking_out.check_out(desk, wanted, caller_key=idempotency_key)
        page = checkout_of(desk, done)
        for warned in done.warnings:
            run.console.warn(warned.code, warned.text)
        shape = writes.write("order", done.object, done.operation) | {"url": page.url}
        run.console.done(shape, [f"{done.object.id} waits for {wanted.price}: {page.url}"])


def _price(offer: Offer, price: str | None, currency: str | None) -> Money:
    from cardctl.commands._frame import amount_of  # noqa: PLC0415

    if price is not None:
        if currency is None:
            raise BadInput("--price needs its --currency")
        return amount_of(price, currency)
    if offer.price is None or not offer.price.minor:
        raise BadInput(f"the supplier proposes no price for {offer.id}", hint="--price AMOUNT --currency CODE")
    return offer.price
