"""Purses for the tests of those who spend."""


class BottomlessPurse:
    """Allows everything, and keeps what was paid."""

    def __init__(self):
        self.paid = []

    async def allows(self, *, priced):  # noqa: ARG002
        return True

    async def pay(self, usage):
        self.paid.append(usage)


class CountedPurse(BottomlessPurse):
    """Allows so many calls; those that cost nothing do not count if only money does."""

    def __init__(self, n_allowed, *, money=False):
        super().__init__()
        self.n_allowed = n_allowed
        self.money = money

    async def allows(self, *, priced):
        if self.money and not priced:
            return True
        self.n_allowed -= 1
        return self.n_allowed >= 0
