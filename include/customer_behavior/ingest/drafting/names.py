"""What shops call their columns, in several languages: a second witness beside the values."""

import re
import textwrap
import unicodedata


def words(text: str) -> dict[str, tuple[str, ...]]:
    r"""Return lists of words, written as `key: word, word` with indented lines going on.

    >>> words("a: one, two words,\n    three\nb: four\n")
    {'a': ('one', 'two words', 'three'), 'b': ('four',)}
    """
    joined = re.sub(r",?\n\s{4,}", ", ", textwrap.dedent(text))
    pairs = (line.split(": ", 1) for line in joined.splitlines() if line.strip())
    return {key: tuple(word.strip() for word in listed.split(",") if word.strip()) for key, listed in pairs}


# The likeliest first; compared in small letters without accents, blanks, dots, dashes and underscores.
NAMES = words(
    """
    event_time: eventtime, eventtimestamp, timestamp, transactiontimestamp, datetime, createdat, orderedat, invoicedate,
        orderdate, purchasedate, orderpurchasetimestamp, transactiondate, time, ts, when, date, zeit, zeitpunkt, datum,
        kaufdatum, bestelldatum, rechnungsdatum, belegdatum, buchungsdatum, datecommande, dateachat, datefacture, horodatage,
        fecha, fechacompra, fechapedido, hora, dataacquisto, dataordine, data, ora, datacompra, datum tijd, besteldatum,
        aankoopdatum, datazakupu, tarih
    event_type: eventtype, eventname, event, action, actiontype, behavior, behaviortype, behaviour, activity, interaction, type,
        typ, ereignis, aktion, vorgang, art, evenement, evento, accion, azione, gebeurtenis, ev, act
    customer_id: customerid, userid, userpseudoid, customerno, customernumber, customer, customerkey, user, clientid, client,
        visitorid, householdid,
        householdkey, memberid, memberno, shopperid, buyerid, cardno, cardid, cardnumber, loyaltyid, customeruniqueid,
        email, useremail, customeremail, accountid, kunde, kundennr, kundennummer, kundenid, kundenkarte, kundinnr, idclient,
        codeclient, numeroclient, cliente, idcliente, clienteid, codcliente, codicecliente, klant, klantnr, klantid, klantnummer,
        klient, klientid, kund, kundnr, musteri, uid, cid
    session_id: sessionid, usersession, session, visitid, visitnumber, eventparamsgasessionid, sitzung, sitzungsid, sesion,
        sessione, sessie, basketid, cartid, sess, sid
    product_id: productid, itemid, sku, stockcode, lineitemsku, articleid, articleno, productcode, itemcode, product, item,
        movieid, asin, ean, gtin, upc, barcode, plu, productno, variantid, itemssku, itemsitemid, itemsproductid, artikel,
        artikelnr, artikelnummer, artikelid, produkt, produktid, produktnr, warennummer, article, produit, idproduit,
        codeproduit, refproduit, reference, producto, idproducto, articulo, prodotto, articolo, codicearticolo, produto,
        productnaam, pid, iid
    order_id: orderid, transactionid, invoiceno, invoice, invoiceid, invoicenumber, orderno, ordernumber, order, receiptid,
        receiptno, receipt, basketid, ticketid, ticketno, ticket, saleid, checkno, ecommercetransactionid, transaction, billno,
        bestellnr, bestellnummer, bestellung, auftrag, auftragsnr, beleg, belegnr, belegnummer, bonnr, bon, rechnung,
        rechnungsnr, rechnungsnummer, commande, numcommande, numerocommande, idcommande, facture, pedido, idpedido, numpedido,
        factura, ordine, numeroordine, scontrino, fattura, bestelling, bestelnr, bestelnummer, factuurnr
    quantity: quantity, qty, units, lineitemquantity, itemsquantity, count, amountofitems, pieces, pcs, numitems, unitssold,
        menge, anzahl, stuck, stueck, stuckzahl, quantite, qte, nombre, cantidad, unidades, quantita, qta, pezzi, quantidade,
        aantal, ilosc, antal, adet
    price: price, unitprice, lineitemprice, itemsprice, itemprice, priceeach, priceperunit, salesprice, sellprice, preis,
        einzelpreis, stuckpreis, stueckpreis, vkpreis, vk, prix, prixunitaire, pu, precio, preciounitario, preciounidad, prezzo,
        prezzounitario, preco, precounitario, prijs, stukprijs, cena, pris, fiyat
    line_total: linetotal, salesvalue, sales, total, totalprice, linevalue, extendedprice, revenue, netsales, turnover, amount,
        totalamount, value, salesamount, itemtotal, spend, umsatz, betrag, gesamt, gesamtpreis, summe, zeilensumme,
        positionswert, montant, montanttotal, prixtotal, importe, importetotal, importo, totale, valor, bedrag, totaal, wartosc
    discount: discount, lineitemdiscount, unitdiscount
    line_discount: linediscount, discountamount, retaildisc, coupondisc, couponmatchdisc, rabatt, nachlass, remise, descuento,
        sconto, korting, desconto
    category: categorycode, category, productcategory, categoryname, categoryid, productgroup, itemcategory, department, group,
        itemscategory, itemsitemcategory, kategorie, warengruppe, produktgruppe, categorie, rayon, categoria, reparto, groep,
        catid, categ
    brand: brand, vendor, manufacturer, itemsbrand, itemsitembrand, marke, hersteller, marque, marca, merk
    country: country, countrycode, geocountry, shippingcountry, billingcountry, land, pays, pais, paese, kraj
    device: device, devicecategory, devicetype, platform, gerat, geraet, appareil, dispositivo
    channel: channel, saleschannel, source, trafficsourcemedium, medium, kanal, vertriebskanal, canal, canale, kanaal
    currency: currency, currencycode, iso4217, wahrung, waehrung, devise, moneda, divisa, valuta, moeda, waluta
    event_id: eventid, uuid, eventuuid, lineitemid, lineid, id
    status: status, orderstatus, financialstatus, paymentstatus, state, bestellstatus, zahlungsstatus, statut, estado, stato
    """
)
# A word inside a longer name, weaker than a whole name.
PARTS = words(
    """
    event_time: date, time, datum, zeit, fecha, timestamp
    customer_id: customer, user, client, kunde, kund, member, visitor, cliente, klant, shopper, buyer, email
    product_id: product, item, sku, artikel, article, produkt, produit, producto, prodotto
    order_id: order, invoice, receipt, transaction, basket, bestell, rechnung, beleg, auftrag, commande, pedido, ordine
    session_id: session, visit, sitzung
    quantity: quantity, qty, menge, anzahl, quantit, cantidad
    price: price, preis, prix, precio, prezzo, prijs
    line_total: total, gesamt, umsatz, revenue, amount, betrag, summe
    category: category, kategorie, categor, warengruppe
    country: country
    currency: currency, waehrung, wahrung
    event_type: eventtype, event, action, behavior
    status: status
    """
)
# Not the event's own: when a record was changed, a person born, goods sent.
OTHER_TIMES = (
    "update", "modif", "birth", "geburt", "deliver", "ship", "liefer", "expir", "due", "first", "estimated", "insert", "load",
    "cancel", "refund", "approved", "prev", "offset",
)  # fmt: skip
UNITS = re.compile(r"[\[(].*?[\])]|[_ ](?:eur|usd|gbp|chf)$", re.IGNORECASE)


def plain(name: str) -> str:
    """Return a name without accents, units in brackets and all but letters and digits.

    >>> plain("Preis (EUR)"), plain("Kunden-Nr."), plain("Quantité")
    ('preis', 'kundennr', 'quantite')
    """
    name = unicodedata.normalize("NFKD", UNITS.sub("", name) or name)
    return "".join(character for character in name.casefold() if character.isalnum() and character.isascii())


PLAIN = {role: tuple(dict.fromkeys(map(plain, words))) for role, words in NAMES.items()}


def likeness(name: str, role: str) -> float:
    """Return how much a column's name speaks for a role, from 0 to 1; a name deeper in a record counts by its last part too.

    >>> likeness("Kaufdatum", "event_time") > likeness("Lieferdatum", "event_time")
    True
    """
    if role == "event_time" and any(word in plain(name) for word in OTHER_TIMES):
        return 0.05
    words = PLAIN[role]
    for said, full in ((plain(name), 1.0), (plain(name.rpartition(".")[2]), 0.8)):
        if said in words:
            return full - 0.4 * words.index(said) / len(words)
    said = plain(name)
    return 0.3 if any(part in said for part in PARTS.get(role, ())) else 0.0
