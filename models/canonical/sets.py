"""Groups of a graph whose neurons are the same ones: sets that grow together and may be barred from any change."""


class Sets:
    """Disjoint sets of the numbers 0 to count - 1. Of joined sets, one barred member bars all."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))
        self._barred: set[int] = set()

    def of(self, number: int) -> int:
        """The number that stands for the set of `number`."""
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number

    def join(self, one: int, other: int) -> None:
        """Makes one set of two."""
        one, other = sorted((self.of(one), self.of(other)))
        self._parents[other] = one
        if other in self._barred:
            self._barred.add(one)

    def bar(self, *numbers: int) -> None:
        """Leaves the sets of these numbers as they are."""
        self._barred.update(self.of(number) for number in numbers)

    def is_barred(self, number: int) -> bool:
        """Whether the set of `number` is left as it is."""
        return self.of(number) in self._barred
