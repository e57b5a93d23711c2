"""One side of a comparison of paid orders: what customers paid, what the supplier sold, what moved in its wallet; plain tuples.

Ours and theirs have the same words: those that one side alone knows come last, empty on the other.
"""

from __future__ import annotations

from typing import NamedTuple


class SaleSide(NamedTuple):
    """A customer's payment, in minor units. `refunded` None: that word does not tell. `named`: it names an order. `created_at`
    is the payment's there; here when the books first heard of the order.

    `id` to `issued_at` are our order's: `step` is how it stands, `purchase` how its purchase does, `due_at` when the chain
    looks at it next, `issued_at` when its eSIM came, `paid_at` when it was paid and known to be. An
    order without a payment goes by its own id.
    """

    ref: str
    state: str
    amount: int | None
    refunded: int | None
    currency: str | None
    created_at: str
    named: bool = False
    disputed: bool = False
    word: str = ""
    id: str = ""
    step: str = ""
    purchase: str = ""
    reason: str = ""
    updated_at: str = ""
    due_at: str = ""
    issued_at: str = ""
    paid_at: str = ""


class SaleRefundSide(NamedTuple):
    """Money that was given back of the payment `sale_ref`, by the provider's word."""

    ref: str
    state: str
    amount: int
    currency: str
    mark: str | None
    created_at: str
    sale_ref: str


class PurchaseSide(NamedTuple):
    """What was bought at the supplier, under our name for it. `cost` None: not told. `state` is empty where it was not accepted
    yet as far as the books know. `id` and `step` are our order's; `made_at` is when the books held it for accepted."""

    ref: str
    state: str
    cost: int | None
    currency: str | None
    created_at: str
    updated_at: str
    error: str = ""
    word: str = ""
    id: str = ""
    step: str = ""
    made_at: str = ""


class LedgerSide(NamedTuple):
    """A movement of the wallet. `kind` is "debit" or "credit", `product` the supplier's word for what it was, `ref` the
    purchase that it paid, or its own name."""

    kind: str
    product: str
    state: str
    amount: int
    currency: str
    created_at: str
    updated_at: str
    ref: str


class WalletTopUpSide(NamedTuple):
    """A top-up of the wallet that the books hold for made, or under way. `ref` is the operation that did it, `card_id` the card
    that paid, `far_ref` what whoever took the card calls it."""

    ref: str
    state: str
    amount: int
    currency: str
    created_at: str
    card_id: str
    order_id: str
    far_ref: str = ""


class PayingCardSide(NamedTuple):
    """A card that topped the wallet up, or was to, by our id: what it spent by the books, and what it brought the wallet.
    `left_by`: the order it was made for, which waits for no money any more, though the card is open with `balance`."""

    ref: str
    currency: str
    spent: int
    brought: int
    updated_at: str
    left_by: str = ""
    balance: int = 0
