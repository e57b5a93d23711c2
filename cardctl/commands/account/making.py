"""The verb of `cardctl account` that makes one: create."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cardctl.commands._holders import (
    AccountType,
    BirthDateOption,
    CityOption,
    CountryOption,
    EmailOption,
    ExternalIdOption,
    HouseNumberOption,
    IdImageOption,
    IdNumberOption,
    IdTypeOption,
    KycOption,
    Line1Option,
    Line2Option,
    NameOption,
    PhoneOption,
    PhotoOption,
    PostalCodeOption,
    RegionOption,
    TypeOption,
    address_of,
    birth_date_of,
    documents_of,
)
from cardctl.commands._options import (
    DryRunOption,
    IdempotencyKeyOption,
    LiveOption,
    OutputOption,
    ProfileOption,
    ProviderOption,
    TimeoutOption,
)
from cardctl.domain.accounts import Account, Kyc, NewAccount
from cardctl.errors import BadInput
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.services.desk import Done
    from cardctl.simulator.control import Control


def create(
    name: NameOption,
    external_id: ExternalIdOption = None,
    email: EmailOption = None,
    phone: PhoneOption = None,
    kind: TypeOption = AccountType.INDIVIDUAL,
    line1: Line1Option = None,
    line2: Line2Option = None,
    house_number: HouseNumberOption = None,
    city: CityOption = None,
    state: RegionOption = None,
    postal_code: PostalCodeOption = None,
    country: CountryOption = None,
    birth_date: BirthDateOption = None,
    id_type: IdTypeOption = None,
    id_number: IdNumberOption = None,
    id_image: IdImageOption = None,
    photo: PhotoOption = None,
    kyc: KycOption = None,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make an account at the provider. Documents go to the provider and are kept nowhere else.

    Example: cardctl account create --name "Ada Lovelace" --external-id emp-0042 --email ada@example.com
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds import issuing  # noqa: PLC0415

    if external_id is not None and not external_id.strip():
        raise BadInput("--external-id is empty")
    address = address_of(line1=line1, line2=line2, city=city, state=state, postal_code=postal_code, country=country)
    born = birth_date_of(birth_date)
    wanted = NewAccount(name, external_id, email, phone, kind.value, address, born, id_type, house_number)
    with runtime.opened(output=output, profile=profile, provider=provider, live=live, timeout=timeout) as run:
        wanted = documents_of(run, wanted, id_number, id_image, photo)
        if dry_run:
            _frame.show_rehearsal(run, issuing.rehearse_account(run.desk(), wanted, caller_key=idempotency_key))
            return
        staff = run.far_side if kyc is not None else None  # only a simulator's staff can be told what to find
        done = issuing.create_account(run.desk(), wanted, caller_key=idempotency_key)
        if staff is not None and kyc is not None:
            done = _found_by_staff(run, staff, done, kyc)
        _frame.show_write(run, "account", done, "made")


def _found_by_staff(run: Run, staff: Control, done: Done, kyc: Kyc) -> Done:
    """The account after the far side's own staff has looked at its papers, and our books have heard of it."""
    from cardctl.services.deeds.pulling import sync_account  # noqa: PLC0415

    account = done.object
    assert isinstance(account, Account)
    staff.set_kyc(account.ref or "", kyc.value)
    return replace(done, object=sync_account(run.desk(account), account))
