"""Money that is no product: postage, fees, vouchers, gift cards, tips, deposits and adjustments.

Such a line is kept as money, is no purchase, and its product is never recommended or a reason. A source names its own codes under
`charges`; beside them these names are known in any source, as a product's id or its name.
"""

import re
from collections.abc import Iterable, Mapping

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


def _pattern(codes: Iterable[str]) -> str:
    return "|".join(".*".join(re.escape(part) for part in code.strip().lower().split("*")) for code in codes)


def _any(texts: list[str], pattern: str) -> str:
    return " OR ".join(f"coalesce(regexp_full_match({text}, {quoted(pattern)}), false)" for text in texts)
