"""Money that is no product: postage, fees, vouchers, gift cards, tips, deposits and adjustments.

Such a line is kept as money, is no purchase, and its product is never recommended or a reason. A source names its own codes under
`charges`; beside them these names are known in any source, as a product's id or its name.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from customer_behavior.ingest.engine import quoted

AMOUNT = r"( ?[-–:(]? ?[€$£]? ?[0-9]+([.,][0-9]+)?( ?(€|\$|£|%|eur|usd|gbp|chf))?\)?)?"  # "Gift card 50", "Gutschein - 25,00 EUR"

# Whole ids or names, in small letters; what a shop might sell under the same word (a bare "m" or "c2") is not here.
KNOWN = {
    "postage": r"(dotcom |carriage and |standard |express |free |international )?"
    r"(post|postage|shipping|shipping (cost|costs|fee|fees|charge|charges)|delivery|delivery "
    r"(cost|costs|fee|fees|charge|charges)|carriage|freight|postage (and|&) packing|p&p|versand|versandkosten|versandkostenpauschale"
    r"|porto|lieferkosten|versandgeb(ü|ue)hr(en)?"
    r"|(standard|express|gratis)[- ]?versand|frais (de port|de livraison|d[’']envoi|d[’']expédition)|livraison"
    r"|gastos de env[ií]o|env[ií]o|spese di spedizione|spedizione"
    r"|costo di spedizione|coste de env[ií]o|verzendkosten|bezorgkosten|frete|porte|wysy[łl]ka|koszt(y)? wysy[łl]ki|frakt|fragt"
    r"|toimituskulut|shipment)( (de|at|ch|fr|it|es|nl|be|uk|gb|us|eu|international))?",
    "fee": r"(bank charges?|amazon ?fees?|fees?|service fees?|handling|handling (fee|fees|charge)|payment fees?|surcharge"
    r"|geb(ü|ue)hr(en)?|bearbeitungsgeb(ü|ue)hr|frais)",
    "gift_card": rf"([€$£] ?[0-9]+([.,][0-9]+)? )?(e-?)?(gift ?(card|voucher|certificate)s?|geschenk(gutschein|karte)(en|e|n)?"
    rf"|cartes?[- ]cadeaux?|tarjeta regalo"
    rf"|tarjetas? (de )?regalo|carte regalo|carta regalo|buon[oi] regalo|cheque regalo|cart(ão|ao) presente|cadeau(bon|kaart)"
    rf"|wertgutschein|presentkort|gavekort|karta podarunkowa){AMOUNT}",
    "voucher": rf"(voucher|coupon|gutschein|bon d'achat|discount|rabatt|remise|store credit|promo(tion)?){AMOUNT}",
    "tip": rf"(tips?|gratuity|trinkgeld|pourboire|propina|mancia|drinkgeld|gorjeta|dricks|drikkepenge|napiwek){AMOUNT}",
    "deposit": rf"(deposit|bottle deposit|pfand|einwegpfand|consigne|statiegeld){AMOUNT}",
    "adjustment": r"(adjust|adjustment|adjust bad debt|manual|manual adjustment|rounding|rounding adjustment|rundung|korrektur"
    r"|arrondi|write[- ]?off)",
}
KINDS = tuple(KNOWN)
PRODUCT = "product"  # declares that a code is a product, whatever it is called


def charge_sql(texts: Iterable[str], declared: Mapping[str, tuple[str, ...]]) -> str:
    """Return an SQL expression over text expressions (a product's id, its name): the kind of charge, NULL for a product.

    Declared codes are compared without regard to case, `*` standing for anything; they win over the names known.
    """
    lowered = [f"lower({text})" for text in texts]
    if not lowered:
        return "CAST(NULL AS VARCHAR)"
    cases = [
        f"WHEN {_any(lowered, _pattern(codes))} THEN {'NULL' if kind == PRODUCT else quoted(kind)}"
        for kind, codes in sorted(declared.items(), key=lambda one: one[0] != PRODUCT)
        if codes
    ]
    # One pattern finds the few lines that are meant, so that the others pay for one look.
    inner = " ".join(f"WHEN {_any(lowered, pattern)} THEN {quoted(kind)}" for kind, pattern in KNOWN.items())
    cases.append(f"WHEN {_any(lowered, '|'.join(KNOWN.values()))} THEN CASE {inner} END")
    return f"CASE {' '.join(cases)} END"


@dataclass(frozen=True)
class Amount:
    """A code that is sold like a sum of money: one at a time, at another price each time, or never at a price."""

    product_id: str
    rows: int
    prices: int
    lowest: float
    highest: float

    @property
    def sentence(self) -> str:
        """What was seen of the code, in words."""
        if not self.highest:
            return f"{self.product_id}: {self.rows:,} rows, never at a price"
        return (
            f"{self.product_id}: {self.rows:,} rows, always one piece, {self.prices:,} prices from {self.lowest:,.2f} to "
            f"{self.highest:,.2f}"
        )


def amounts(engine: duckdb.DuckDBPyConnection, products: Iterable[str] = ()) -> list[Amount]:
    """Return the codes in the staged events (relation `mapped`) that look like charges and are not known as such.

    Such a code has no price per unit: at least 10 lines, none of more than one piece, and mostly different prices, the dearest at
    least four times the cheapest; or no line with a price, where nine in ten lines of the file have one. In a shop of single
    pieces, or of goods by weight, this is how products look: where many codes are like that, none is returned. `products` are the
    codes that the source declares as products.
    """
    declared = quoted(_pattern(products))
    rows = engine.execute(
        f"""WITH sold AS (
            SELECT product_id, count(*) AS lines, count(DISTINCT price) AS prices, max(abs(quantity)) AS pieces,
                coalesce(min(price) FILTER (price > 0), 0) AS lowest, coalesce(max(price), 0) AS highest
            FROM mapped
            WHERE charge IS NULL AND product_id IS NOT NULL AND event_type IN ('purchase', 'return')
                AND NOT regexp_full_match(lower(product_id), {declared})
            GROUP BY product_id
        ),
        judged AS (
            SELECT *, pieces <= 1 AND prices >= 0.6 * lines AND highest >= 4 * lowest AND lowest > 0 AS varies,
                highest = 0 AND (SELECT count(price) FILTER (price > 0) >= 0.9 * count(*) FROM mapped) AS free
            FROM sold
        )
        SELECT product_id, lines, prices, CAST(lowest AS DOUBLE), CAST(highest AS DOUBLE)
        FROM judged
        WHERE lines >= 10 AND (varies OR free)
            AND (SELECT count(*) FILTER (varies) <= least(greatest(3, count(*) / 50), count(*) / 5) FROM judged WHERE lines >= 10)
        ORDER BY lines DESC, product_id"""
    ).fetchall()
    return [Amount(*row) for row in rows]


def _pattern(codes: Iterable[str]) -> str:
    return "|".join(".*".join(re.escape(part) for part in code.strip().lower().split("*")) for code in codes)


def _any(texts: list[str], pattern: str) -> str:
    return " OR ".join(f"coalesce(regexp_full_match({text}, {quoted(pattern)}), false)" for text in texts)
