"""Tables and reducers of a running module, from `GET /v1/database/:name/schema?version=9`, and its rows.

A row comes in two shapes, an object in snapshots and an array in updates (measured); both become one `Row` here, with
identities as 64 hex digits, connection ids as 32, times as microseconds, options as None or the value. In the binary
protocol a row is read column by column (`Column.read`) into the array's values.

    schema = Schema.parse(body)
    schema.table("sync_event").row('["k","s",1]')
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from harness.canonical import UNREADABLE
from harness.errors import WireError
from harness.wire.reader import Reader

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]
Row = dict[str, Value]
_Convert = Callable[[object], Value]
_Read = Callable[[Reader], object]


@dataclass(frozen=True)
class Column:
    """`type` reads as in Rust: U64, String, Identity, Option<String>, Vec<String>."""

    name: str
    type: str
    convert: _Convert = field(repr=False, compare=False)
    read: _Read = field(repr=False, compare=False)


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    primary_key: str | None
    public: bool

    def row(self, text: str | bytes) -> Row:
        """One row from its JSON text, of either shape. WireError names what does not fit."""
        try:
            raw = msgspec.json.decode(text)
        except UNREADABLE as error:
            raise WireError(f"a row of {self.name} is not JSON: {error}") from error
        return self.row_of(raw)

    def row_of(self, raw: object) -> Row:
        """One row from parsed JSON."""
        if isinstance(raw, Mapping):
            missing = [column.name for column in self.columns if column.name not in raw]
            if missing or len(raw) != len(self.columns):
                raise WireError(f"a row of {self.name} has the fields {sorted(raw)}, expected {self.column_names}")
            values: Sequence[object] = [raw[column.name] for column in self.columns]
        elif isinstance(raw, list) and len(raw) == len(self.columns):
            values = raw
        else:
            raise WireError(f"a row of {self.name} is {str(raw)[:80]!r}, expected {len(self.columns)} columns")
        try:
            return {column.name: column.convert(value) for column, value in zip(self.columns, values, strict=True)}
        except (*UNREADABLE, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
            raise WireError(f"a row of {self.name} does not fit its schema: {error}") from error

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]


@dataclass(frozen=True)
class Reducer:
    name: str
    params: tuple[Column, ...]
    lifecycle: bool


@dataclass(frozen=True)
class Schema:
    tables: Mapping[str, Table]
    reducers: Mapping[str, Reducer]

    @classmethod
    def parse(cls, body: bytes) -> Schema:
        """WireError when the body is no module definition of version 9."""
        try:
            raw = msgspec.json.decode(body)
            types = _Types(raw["typespace"]["types"])
            tables = {table["name"]: _table(types, table) for table in raw["tables"]}
            reducers = {reducer["name"]: _reducer(types, reducer) for reducer in raw["reducers"]}
        except (*UNREADABLE, TypeError, KeyError, IndexError, AttributeError) as error:
            raise WireError(f"the schema is not a module definition of version 9: {error!r}") from error
        return cls(tables, reducers)

    def table(self, name: str) -> Table:
        try:
            return self.tables[name]
        except KeyError:
            raise WireError(f"the module has no table {name!r}; it has {sorted(self.tables)}") from None


def _same(value: object) -> Value:
    return value  # type: ignore[return-value]


def _inner(value: object, field_name: str) -> object:
    """The one value of a special product: {"__identity__": v}, [v] or v itself."""
    if isinstance(value, dict):
        return value[field_name]
    if isinstance(value, list):
        (only,) = value
        return only
    return value


def _identity(value: object) -> Value:
    text = str(_inner(value, "__identity__"))
    return text.removeprefix("0x").rjust(64, "0")


def _connection(value: object) -> Value:
    return f"{int(_inner(value, '__connection_id__')):032x}"  # type: ignore[call-overload]


_SPECIAL: Mapping[str, tuple[str, _Convert]] = {
    "__identity__": ("Identity", _identity),
    "__connection_id__": ("ConnectionId", _connection),
    "__timestamp_micros_since_unix_epoch__": (
        "Timestamp",
        lambda value: int(_inner(value, "__timestamp_micros_since_unix_epoch__")),  # type: ignore[call-overload]
    ),
    "__time_duration_micros__": (
        "TimeDuration",
        lambda value: int(_inner(value, "__time_duration_micros__")),  # type: ignore[call-overload]
    ),
}


class _Types:
    """Algebraic types, resolved to a name and a converter."""

    def __init__(self, types: list[object]) -> None:
        self._types = types

    def resolve(self, raw: object) -> tuple[str, _Convert, _Read]:
        if not isinstance(raw, dict) or len(raw) != 1:
            raise ValueError(f"not a type: {raw!r}")
        ((kind, body),) = raw.items()
        if kind == "Ref":
            return self.resolve(self._types[body])
        if kind == "Array":
            return self._array(body)
        if kind == "Product":
            return self._product(body["elements"])
        if kind == "Sum":
            return self._sum(body["variants"])
        return str(kind), _same, _read_of(str(kind))

    def elements(self, raw: list[dict[str, object]]) -> tuple[Column, ...]:
        columns = []
        for element in raw:
            name = element["name"]["some"]  # type: ignore[index]
            columns.append(Column(name, *self.resolve(element["algebraic_type"])))
        return tuple(columns)

    def _array(self, raw: object) -> tuple[str, _Convert, _Read]:
        name, convert, read = self.resolve(raw)

        def read_all(reader: Reader) -> object:
            return reader.blob().hex() if name == "U8" else reader.many(lambda: read(reader))

        def convert_all(value: object) -> Value:
            return value if isinstance(value, str) else [convert(v) for v in value]  # type: ignore[attr-defined]

        return f"Vec<{name}>", convert_all, read_all

    def _product(self, raw: list[dict[str, object]]) -> tuple[str, _Convert, _Read]:
        columns = self.elements(raw)

        def read(reader: Reader) -> object:
            return [column.read(reader) for column in columns]

        if len(columns) == 1 and columns[0].name in _SPECIAL:
            return (*_SPECIAL[columns[0].name], read)

        def convert(value: object) -> Value:
            values = [value[c.name] for c in columns] if isinstance(value, dict) else list(value)  # type: ignore[call-overload]
            return {c.name: c.convert(v) for c, v in zip(columns, values, strict=True)}

        return "(" + ", ".join(f"{c.name}: {c.type}" for c in columns) + ")", convert, read

    def _sum(self, raw: list[dict[str, object]]) -> tuple[str, _Convert, _Read]:
        variants = self.elements(raw)

        def read(reader: Reader) -> object:
            number = reader.tag()
            if number >= len(variants):
                raise WireError(f"variant {number} of {len(variants)}")
            return [number, variants[number].read(reader)]

        if [variant.name for variant in variants] == ["some", "none"]:
            some = variants[0]
            return f"Option<{some.type}>", lambda value: _option(value, some.convert), read
        return " | ".join(variant.name for variant in variants), _same, read


def _read_of(kind: str) -> _Read:
    """How a plain type is read: the number behind its letter is its size in bits."""
    size = int(kind[1:]) // 8 if kind[1:].isdigit() else 0
    if kind[0] == "F":
        return lambda reader: reader.real(size)
    if kind == "U256":
        return lambda reader: reader.hex(size)
    if kind[0] in "UI" and size:
        return lambda reader: reader.number(size, signed=kind[0] == "I")
    plain: dict[str, _Read] = {"Bool": Reader.flag, "String": Reader.text}
    return plain.get(kind, _unknown)


def _unknown(reader: Reader) -> object:
    raise WireError("a column has a type that is not known")


def _option(value: object, convert: _Convert) -> Value:
    if value is None:
        return None
    if isinstance(value, dict):
        return convert(value["some"]) if "some" in value else None
    if not isinstance(value, list):
        raise TypeError(f"not an option: {value!r}")
    tag, inner = value
    return convert(inner) if tag == 0 else None


def _table(types: _Types, raw: dict[str, object]) -> Table:
    product = types._types[raw["product_type_ref"]]  # type: ignore[call-overload]
    columns = types.elements(product["Product"]["elements"])
    key = raw.get("primary_key") or []
    access = raw.get("table_access")
    return Table(
        name=str(raw["name"]),
        columns=columns,
        primary_key=columns[key[0]].name if key else None,  # type: ignore[index]
        public=isinstance(access, dict) and "Public" in access,
    )


def _reducer(types: _Types, raw: dict[str, object]) -> Reducer:
    lifecycle = raw.get("lifecycle")
    params = types.elements(raw["params"]["elements"])  # type: ignore[index]
    return Reducer(str(raw["name"]), params, isinstance(lifecycle, dict) and "some" in lifecycle)
