"""Event types: what shops' words and codes for them mean, as far as that can be told."""

from collections import Counter

from customer_behavior.ingest.drafting.names import words

WORDS = words(
    """
    view: view, viewed, pv, pageview, product_view, productview, view_item, detail, click, clk, impression_click, v, ansicht,
        ansehen, angesehen, aufruf, vue, consultation, visualizacion, vista, visualizzazione, product viewed, view product,
        product_detail, productdetail, visit, browse
    cart: cart, add_to_cart, addtocart, add to cart, basket, add_to_basket, c, atc, warenkorb, in den warenkorb, panier,
        ajout_panier, carrito, carrello, winkelwagen, product added, add, cart_add
    remove_from_cart: remove_from_cart, removefromcart, remove, product removed, cart_remove, entfernt,
        aus dem warenkorb entfernt
    purchase: partially_refunded, partially_paid, authorized,
        purchase, purchased, buy, bought, order, transaction, checkout_complete, sale, sold, p, order completed,
        placed order, kauf, gekauft, kaufen, verkauf, bestellung, achat, acheter, vente, commande, compra, venta, acquisto, vendita,
        aankoop, verkoop, conversion, invoice, paid, completed, complete, delivered, shipped, bezahlt, abgeschlossen, geliefert,
        versandt, paye, payé, livré, pagado, pagato, betaald, fulfilled, closed, processing
    return: return, returned, refund, refunded, retoure, retour, rückgabe, rueckgabe, storno retoure, gutschrift, remboursement,
        devolucion, devolución, reembolso, reso, rimborso, credit, erstattet, credit note
    favourite: favourite, favorite, fav, wishlist, add_to_wishlist, like, merkzettel, merken, favori, favorito, preferito
    search: search, suche, recherche, busqueda, búsqueda, ricerca, view_search_results, zoeken
    other: other, login, logout, session_start, first_visit, page_view, scroll, user_engagement, sign_up, register,
        begin_checkout, checkout, view_item_list, select_item, view_cart, click_ad, impression, cancelled, canceled, voided,
        void, expired, failed, declined, storniert, storno, abgebrochen, annulé, annule, anulado, annullato, geannuleerd,
        unavailable, test, created, pending, draft, share, review
    """
)
MEANING = {word: ours for ours, words in WORDS.items() for word in words}
INITIALS = {
    "v": "view",
    "c": "cart",
    "p": "purchase",
    "b": "purchase",
    "k": "purchase",
    "f": "favourite",
    "r": "return",
    "s": "search",
}


def types_of(values: Counter[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return (what can be told: their value to ours, what cannot: their value to a sentence).

    A single letter is a word's first only beside others that are.

    >>> types_of(Counter({"V": 90, "P": 10}))[0]
    {'V': 'view', 'P': 'purchase'}
    """
    told: dict[str, str] = {}
    open_: dict[str, str] = {}
    total = sum(values.values())
    letters = len(values) > 1 and all(value.casefold() in INITIALS for value in values)
    for rank, (value, count) in enumerate(values.most_common()):
        ours = (
            INITIALS[value.casefold()] if letters else MEANING.get(value.casefold().strip()) if len(value) > 1 else None
        )
        if ours:
            told[value] = ours
        else:
            often = (
                "the most frequent; usually views"
                if rank == 0 and len(values) > 1
                else f"number {rank + 1} of {len(values)} by frequency"
            )
            open_[value] = (
                f"{count / total:.1%} of rows, {often}"
                if len(values) > 1
                else f"the only value in these {total:,} rows"
            )
    return told, open_


def speaks(values: Counter[str]) -> float:
    """Return the share of rows whose value is a known word for a type."""
    told, _ = types_of(values)
    return sum(values[value] for value in told) / max(1, sum(values.values()))
