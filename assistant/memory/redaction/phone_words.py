"""Words around numbers: what announces a telephone, what announces anything else, money, units. Data only."""

from typing import Final

from assistant.memory.redaction.wordlists import words

# Announce a telephone by themselves; the last line are stems with their endings.
TELEPHONE: Final = (
    words(
        "tel telno phone phones telephone mobile mob mobil cell",
        "cellphone gsm cep ceptel landline hotline dial ring call",
        "calling callme text txt sms reach whatsapp whatsap watsapp watsap vatsap wapp wp wa viber telegram signal",
        "fax faks dahili callto my_number his_number her_number your_number our_number their_number contact_number",
        "мой_номер наш_номер его_номер её_номер ваш_номер meine_nummer deine_nummer seine_nummer ihre_nummer",
        "αριθμός_μου αριθμό_μου αριθμός_του αριθμός_της αριθμός_μας",
        "τηλ κιν σταθερό κάλεσε καλέστε πάρε πάρτε βάιμπερ φαξ тел моб сотовый набери наберите ватсап вотсап",
        "вайбер факс тлф",
        "tlf tlfn telefoon mobiel gsm-nummer móvil movil teléfono tél téléphone portable cellulare",
        "tel-nr komórka puh ph",
        "handy handynummer mobilnummer telefonnummer rufnummer festnetz anrufen anruf rufen durchwahl",
    )
    + r"|[tт](?=[.][ ]?\(?\Z)"
    + rf"|{words('my his her your our their')}[ ](?:[^\W\d_]{{2,12}}[ ])?number"
    + r"|numara(?:m|n)[^\W\d_]{0,8}|telefon[^\W\d_]{0,8}"
    + r"|ara(?:yin|yiniz|sin|sana|yabil[^\W\d_]{1,8}|rsan[^\W\d_]{0,4})?"
    + r"|ulas[^\W\d_]{0,10}"
    + r"|τηλεφων[^\W\d_]{0,4}|κινητ[^\W\d_]{1,2}|телефон[^\W\d_]{0,3}|(?:по)?звон[^\W\d_]{1,5}|мобильн[^\W\d_]{1,3}"
)
# Announce a number of any kind.
NUMBER: Final = (
    words(
        "number num nr no code kodu kod id номер номера число αριθμός nummer № # is was su şu bu to ist war это είναι"
    )
    + r"|numara[^\W\d_]{0,6}"
)
# Announce numbers that are not telephones.
IDENTIFIER: Final = words(
    "order orders sipariş siparişim ref reference referans listing ilan",
    "ilanı id ids kimlik tckn tc t.c fatura invoice",
    "ticket bilet booking rezervasyon reservation pnr iban hesap",
    "account acct card kart takip tracking kargo parsel ada",
    "pafta tapu barcode barkod sku serial seri imei isbn",
    "version sürüm commit hash zip postcode postal plz posta_kodu",
    "policy poliçe plaka plate vat vergi tax passport",
    "pasaport transaction txn işlem dekont receipt makbuz case dosya",
    "request talep uid userid error code kod item product ürün model part batch lot ean",
    "gtin upc asin doi issue pr build job task timestamp epoch unix contract sözleşme licence license ruhsat permit",
    "заказ заказа счёт счет инн паспорт артикул договор объявление трек накладная снилс огрн лицензия",
    "παραγγελία παραγγελίας αφμ τιμολόγιο κράτηση διαβατήριο αγγελία λογαριασμός λογαριασμό ταυτότητα συμβόλαιο",
    "bestellnummer bestellung rechnung rechnungsnummer kundennummer buchung buchungsnummer konto kontonummer",
    "sendungsnummer aktenzeichen ausweis steuernummer vertrag objekt objektnummer inserat artikelnummer",
    "student öğrenci meter sayaç abone subscriber flight uçuş",
    "password passwd pwd passcode şifre şifresi şifrem parola parolası passwort kennwort пароль κωδικός κωδικό otp",
    "token file folder klasör akte customer müşteri client member üye registration kayıt",
    "bic бик routing aba swift sicil vergi_dairesi certificate cert diploma s/n cif matricule matric mersis",
    "табельный полис счётчик счетчик счётчика счетчика μετρητή μετρητής lottery lotto loto лото",
    "insurance sigorta protokol evrak model pin kayıt kontrol",
    "fiyat fiyatı price prices fee cost total toplam tutar kira rent deposit depozito budget bütçe salary maaş",
    "amount miktar nüfus population preis kosten цена цены стоимость бюджет τιμή κόστος ενοίκιο miete",
)
# Of these, people with telephones.
CUSTOMER: Final = words("customer müşteri client member üye student öğrenci abone subscriber insurance sigorta objekt")
# Stands between the name of something that has a number, and the number.
NUMBER_ITSELF: Final = "number num nr no numara numarası numarasi numaram номер номера αριθμός nummer №"
# In German compounds with "nummer".
TELEPHONE_IN_COMPOUND: Final = (
    words(
        "telefon telefoon telephon handy mobil ruf festnetz fax whatsapp kontakt privat büro firmen dienst geschäft",
        "service hotline hotel gsm durchwahl zentral anruf rückruf wahl meine deine ihre seine unsere eure",
    )
    + rf"|^{words('tel not phone cell')}"
)
# After two numbers that differ in their last digits.
BOTH: Final = words("both ikisi ikisi_de her_ikisi beide оба обе και_τα_δύο")
# Glued between other things and a number: "kira600tel0533…".
TELEPHONE_IN_A_ROW: Final = words("tel telno telefon phone mob mobil mobile gsm cep ceptel whatsapp wp handy ara call")
# After a word that announces a telephone: the sentence goes on to something else.
TURNING_AWAY: Final = words(
    "about regarding concerning hakkında ilgili dedi dediler",
    "görüştük konuştuk konuşalım wrote said asked yazdım wegen",
    "über για σχετικά насчёт про о об",
)
CURRENCY: Final = words(
    "tl try lira lirası liraya gbp stg sterlin sterling pound",
    "pounds quid usd dolar dollar dollars eur euro euros avro",
    "лир лиры лира rub руб рублей евро доллар долларов фунт фунтов",
    "ευρώ λίρες δολάρια bin milyon million thousand k m bn mio",
)
UNIT: Final = words(
    "m2 m² m3 sqm sqft sq metrekare km km2 kg gr g lt ml cm",
    "mm mb gb kb kw kwh v w hz ghz px ft dönüm evlek oda odalı",
    "adet kişi gün gece ay yıl yil hafta saat dakika",
    "days day nights weeks months years hours minutes min people guests",
    "rooms bedrooms percent yüzde points views likes followers takipçi steps μέτρα τμ кв м метров",
)
# Said between the parts of one number.
BETWEEN: Final = words(
    "ve and then sonra ardından dash tire nokta dot boşluk space",
    "eksi slash bölü und dann και μετά παύλα τελεία и потом",
    "далее тире дефис пробел точка минус plus_then hyphen strich punkt bindestrich minus",
)
