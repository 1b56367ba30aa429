"""What is known about living in Northern Cyprus: general, lasting answers in English and Turkish; no fees, no dates.

Official matters change, so those topics carry `official`, and the reply then says where to check.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """One subject: the folded words that name it, and what can truthfully be said about it."""

    name: str
    words: re.Pattern[str]
    en: str
    tr: str
    official: bool = False


def _topic(name: str, words: str, en: str, tr: str, *, official: bool = False) -> Topic:
    return Topic(name, re.compile(rf"\b(?:{words})"), en, tr, official)


TOPICS: tuple[Topic, ...] = (
    _topic(
        "emergency",
        r"emergency|ambulance|police\b|fire (?:brigade|service|department)|acil\b|ambulans"
        r"|polis\w{0,3}\b|itfaiye|yangin",
        "In an emergency call 112 for an ambulance, 155 for the police and 199 for the fire service.",
        "Acil durumda ambulans için 112, polis için 155, itfaiye için 199 numarasını arayın.",
    ),
    _topic(
        "rental contract",
        r"(?:rental|tenancy|rent|lease) (?:contract|agreement)|deposits?\b|tenant|landlord"
        r"|kira (?:sozlesme|kontrat)|sozlesme|kontrat|depozito|kiraci hak|ev sahib"
        r"|documents?(?: do i need)? to rent",
        "Ask for a written contract that names the rent, its currency, the term, the deposit and who"
        " pays for bills and upkeep. Rents are often quoted in pounds, and a"
        " deposit and some rent in advance are usual. Photograph the meters and the condition of the"
        " home on the day you move in.",
        "Kira bedelini, para birimini, süreyi, depozitoyu, fatura ve bakım giderlerini kimin"
        " ödeyeceğini yazan yazılı bir sözleşme isteyin. Kiralar çoğu zaman sterlin"
        " üzerinden konuşulur, depozito ve peşin kira yaygındır. Taşındığınız gün sayaçların ve evin"
        " durumunun fotoğrafını çekin.",
        official=True,
    ),
    _topic(
        "buying property",
        r"title deeds?|kocan\w{0,3}|tapu\w{0,4}|(?:buying|purchase) (?:process|procedure)|how (?:do"
        r"|can|to) (?:i )?buy (?:a )?(?:property|house|flat|home)|can (?:foreigners|i) buy|stamp duty|kdv\b"
        r"|satin alma (?:sureci|islem)|yabancilar (?:ev|mulk)|lawyer|avukat",
        "Foreign buyers need an official permission to purchase, and how much they may own is limited."
        " The kind of title deed matters a great deal. Use an independent"
        " lawyer who checks the title, debts and permissions and registers the contract before you pay"
        " more than a holding deposit.",
        "Yabancı alıcılar resmi satın alma iznine ihtiyaç duyar ve edinebilecekleri mülk sınırlıdır."
        " Koçanın türü çok önemlidir. Kaparodan fazlasını ödemeden önce tapuyu,"
        " borçları ve izinleri inceleyen ve sözleşmeyi kaydettiren bağımsız bir avukatla çalışın.",
        official=True,
    ),
    _topic(
        "letting or selling your own home",
        r"rent out\b|let out\b|(?:sell|list|advertise)(?:ing)? my\b|evimi (?:sat|kiraya)"
        r"|kiraya ver\w{0,6}|dairemi (?:sat|kiraya)",
        "I help people find homes and cannot list one for you. A licensed local estate agent can value"
        " and advertise it.",
        "Ben ev arayanlara yardım ediyorum, sizin için ilan açamam. Lisanslı bir emlakçı evinize değer"
        " biçip ilan verebilir.",
    ),
    _topic(
        "residence permit",
        r"residen(?:ce|cy|t)\b|(?:work|student|stay) permit|permit\b|ikamet|oturma izni|calisma izni"
        r"|muhaceret|immigration|goc(?:men)? dairesi",
        "Stays longer than a visitor's need a residence permit, and the usual kinds are for workers,"
        " students, property owners and people with means of their own."
        " Applications go through the immigration authority; a passport, proof of address, health"
        " checks and proof of income are commonly asked for.",
        "Ziyaretçi süresinden uzun kalmak için ikamet izni gerekir; çalışan, öğrenci, mülk sahibi ve"
        " kendi geliriyle yaşayanlar için ayrı türleri vardır. Başvuru muhaceret"
        " makamına yapılır; pasaport, adres belgesi, sağlık kontrolü ve gelir belgesi sıkça istenir.",
        official=True,
    ),
    _topic(
        "visa and entry",
        r"visas?\b|vize\w{0,4}\b|entry (?:rules|requirements)|passports?\b|pasaport",
        "Whether you need a visa, and how long you may stay as a visitor, depends on your passport."
        " Your passport should be valid for well beyond your stay.",
        "Vize gerekip gerekmediği ve ziyaretçi olarak ne kadar kalabileceğiniz pasaportunuza bağlıdır."
        " Pasaportunuz kalış sürenizden epey uzun geçerli olmalıdır.",
        official=True,
    ),
    _topic(
        "crossing points",
        r"cross(?:ing)? (?:points?|the border|the green line|to the south)|border\b|green line"
        r"|checkpoints?|sinir kapi|kapilar\w{0,3}\b|guney\w{0,2} gec|metehan|ledra|lokmaci|akyar\b|derinya",
        "Crossing points such as Metehan (Ayios Dometios, by car) and Lokmacı (Ledra Street, on foot)"
        " in Lefkoşa link the two sides. Take your passport or identity card;"
        " cars need separate insurance on the other side, and many hire cars may not cross.",
        "Lefkoşa'daki Metehan (araçla) ve Lokmacı (yaya) gibi kapılar iki tarafı birbirine bağlar."
        " Pasaport veya kimliğinizi alın; araç için karşı tarafta ayrı sigorta gerekir"
        " ve çoğu kiralık araçla geçilemez.",
        official=True,
    ),
    _topic(
        "hospitals",
        r"hospitals?\b|doctors?\b|clinics?\b|medical|health ?care|dentists?\b|hastane|doktor|klinik"
        r"|dis hekimi|saglik",
        "There are state hospitals in Lefkoşa (Dr. Burhan Nalbantoğlu), Girne (Dr. Akçiçek) and"
        " Gazimağusa, and private hospitals and clinics in the larger towns, where"
        " English is widely spoken. Private treatment is paid for, so health insurance is worth"
        " having. In an emergency call 112.",
        "Lefkoşa'da (Dr. Burhan Nalbantoğlu), Girne'de (Dr. Akçiçek) ve Gazimağusa'da devlet"
        " hastanesi, büyük şehirlerde özel hastane ve klinikler vardır. Özel tedavi ücretlidir,"
        " sağlık sigortası yaptırmak iyi olur. Acil durumda 112'yi arayın.",
    ),
    _topic(
        "pharmacies",
        r"pharmac(?:y|ies)|chemists?\b|medicines?\b|eczane|ilac\w{0,5}\b|nobetci",
        "Pharmacies (eczane) are marked with a red E. At night and on Sundays they take"
        ' turns on duty: look for "nöbetçi eczane" in the window of any pharmacy or online.',
        "Eczaneler kırmızı E harfiyle gösterilir. Gece ve pazar günleri nöbetçi eczaneler açıktır;"
        " liste her eczanenin camında ve internette bulunur.",
    ),
    _topic(
        "driving licence",
        r"driv(?:ing|er'?s?) licen[cs]e|ehliyet|surus ehliyeti",
        "Visitors usually drive on the licence of their own country. If you become a resident, ask the"
        " transport authority how and when to obtain a local one.",
        "Ziyaretçiler genellikle kendi ülkelerinin ehliyetiyle araç kullanır. Yerleşirseniz yerel"
        " ehliyeti nasıl ve ne zaman alacağınızı ulaşım makamına sorun.",
        official=True,
    ),
    _topic(
        "car hire",
        r"car (?:hire|rental)|(?:rent|hire|lease)(?:ing)? (?:an? )?(?:cheap )?(?:cars?|scooters?"
        r"|vehicle)|rent a car|rental cars?|(?:kiralik )?arac kirala|araba kirala|kiralik (?:araba|arac|oto)",
        "Car hire is easy to find at Ercan airport and in the towns. Hire cars have red number plates."
        " Check the insurance excess, the fuel rule and whether crossing to the south is allowed.",
        "Araç kiralama Ercan havalimanında ve şehirlerde kolayca bulunur. Kiralık araçların plakası"
        " kırmızıdır. Sigorta muafiyetini, yakıt kuralını ve güneye geçiş iznini sorun.",
    ),
    _topic(
        "driving",
        r"driv(?:e|ing)\b|left side|on the left|traffic\b|speed limit|speed cameras?|trafik|surus"
        r"|soldan|direksiyon|hiz siniri",
        "People drive on the left, and most cars have the steering wheel on the right. Speed cameras"
        " are common, seat belts are compulsory, and limits are signed in km/h.",
        "Trafik soldan akar, çoğu araçta direksiyon sağdadır. Hız kameraları yaygındır, emniyet kemeri"
        " zorunludur ve sınırlar km/sa olarak yazılır.",
    ),
    _topic(
        "airport",
        r"airports?\b|flights?\b|fly (?:to|from)|havaliman|havaalan|ucus|ucak|ercan\b",
        "Ercan is the airport of Northern Cyprus, near Lefkoşa; its flights go by way of Turkey."
        " Airport buses run to the main towns, and taxis wait outside. Some people fly to Larnaca and"
        " cross by land.",
        "Ercan, Lefkoşa yakınındaki havalimanıdır; uçuşlar Türkiye üzerinden yapılır. Büyük şehirlere"
        " havalimanı otobüsleri ve taksiler vardır.",
    ),
    _topic(
        "transport",
        r"dolmus|bus(?:es)?\b|public transport|transport\b|taxis?\b|minibus|otobus|ulasim|toplu tasima|taksi",
        "Shared minibuses (dolmuş) and buses link Lefkoşa, Girne, Gazimağusa, Güzelyurt and İskele by"
        " day; they thin out in the evening and on Sundays. Elsewhere a car helps. Agree a taxi fare"
        " before you start.",
        "Dolmuş ve otobüsler gündüz Lefkoşa, Girne, Gazimağusa, Güzelyurt ve İskele'yi birbirine"
        " bağlar; akşam ve pazar günü seyrekleşir. Diğer yerlerde araba işe yarar. Takside ücreti"
        " baştan konuşun.",
    ),
    _topic(
        "electricity",
        r"electric\w{0,5}|kib-?tek|power cuts?|outages?|elektrik",
        "Electricity comes from KIB-TEK. The account is moved to your name with your identity"
        " document, contract and usually a deposit; many homes have prepaid or smart meters. Power"
        " cuts happen, so ask whether the building has a generator. Sockets are the British three-pin"
        " kind, 240 V.",
        "Elektriği KIB-TEK sağlar. Abonelik kimlik, kira sözleşmesi ve genellikle teminatla üzerinize"
        " alınır; birçok evde ön ödemeli veya akıllı sayaç vardır. Kesintiler olabilir, binada"
        " jeneratör olup olmadığını sorun. Prizler İngiliz tipi üç bacaklıdır, 240 V.",
        official=True,
    ),
    _topic(
        "water",
        r"(?:tap|drinking|mains) water|water (?:bill|supply|meter|cut|account|safe)"
        r"|water\b(?! ?(?:front|view))|su (?:faturasi|aboneligi|kesinti|icilir|saati)|sebeke suyu"
        r"|icme suyu|musluk",
        "Water is billed by the municipality. Homes have a storage tank because the supply can pause."
        " Most people drink bottled or filtered water rather than tap water.",
        "Suyu belediye faturalandırır. Kesinti olabildiği için evlerde depo bulunur. Çoğu kişi musluk"
        " suyu yerine şişe veya filtre suyu içer.",
    ),
    _topic(
        "internet and phone",
        r"internet|wi-?fi|broadband|fib(?:re|er)|sim cards?|mobile (?:phone|operator|data)|telsim"
        r"|turkcell|telefon hatti|sim kart|internet bagla",
        "Home internet comes from several local providers over fibre, wireless or telephone line; ask"
        " the neighbours which works well in the street. The mobile operators are Kuzey Kıbrıs"
        " Turkcell and Telsim; a SIM card needs a passport, and phones brought from abroad may have to"
        " be registered after a while.",
        "Ev interneti fiber, kablosuz veya telefon hattı üzerinden birkaç yerel sağlayıcıdan alınır;"
        " sokakta hangisinin iyi çalıştığını komşulara sorun. Mobil operatörler Kuzey Kıbrıs Turkcell"
        " ve Telsim'dir; hat için pasaport gerekir, yurt dışından gelen telefonun bir süre sonra kaydı"
        " gerekebilir.",
    ),
    _topic(
        "banks and money",
        r"banks?\b|pay in (?:lira|pounds|cash|euros?)|atms?\b|bank account|currency|exchange"
        r"|banka\w{0,4}\b|para birimi|doviz|hesap ac",
        "The currency is the Turkish lira, and pounds and euros are widely used for rents and prices."
        " To open an account, banks ask for identity, proof of address and often a residence permit."
        " Cash machines are common in the towns.",
        "Para birimi Türk lirasıdır; kira ve fiyatlarda sterlin ve euro da yaygındır. Hesap açmak için"
        " bankalar kimlik, adres belgesi ve çoğu zaman ikamet izni ister. Şehirlerde bankamatik boldur.",
        official=True,
    ),
    _topic(
        "universities",
        r"universit(?:y|ies)|universite\w{0,3}|student life|ogrenci",
        "There are large universities in Lefkoşa, Gazimağusa, Girne and Lefke, many teaching in"
        " English. Students need a student permit, and homes near a campus go quickly before each term.",
        "Lefkoşa, Gazimağusa, Girne ve Lefke'de büyük üniversiteler vardır, birçoğunda eğitim"
        " İngilizcedir. Öğrencilere öğrenci izni gerekir; kampüs yakınındaki evler dönem başında hızla"
        " tutulur.",
        official=True,
    ),
    _topic(
        "schools",
        r"schools?\b|nursery|kindergarten|okul\w{0,4}\b|kolej|anaokul|kres\b",
        "State schools teach in Turkish; private schools and colleges that teach in English are found"
        " mainly around Lefkoşa, Girne and Gazimağusa. Visit a few, and ask early, since places fill up.",
        "Devlet okullarında eğitim Türkçedir; İngilizce eğitim veren özel okul ve kolejler çoğunlukla"
        " Lefkoşa, Girne ve Gazimağusa çevresindedir. Birkaçını gezin ve yerler dolduğu için erken başvurun.",
    ),
    _topic(
        "beaches",
        r"beach(?:es)?\b|swim|plaj\w{0,4}\b|sahil\w{0,3}\b|kumsal|denize gir|yuzme",
        "There are sandy beaches at Long Beach in İskele, at Salamis near Gazimağusa, at Alagadi"
        " (Turtle Beach) east of Girne and at the Golden Beach on the Karpaz. Turtles nest at some of"
        " them in summer, and these close at night then.",
        "İskele Long Beach'te, Gazimağusa yakınında Salamis'te, Girne'nin doğusunda Alagadi'de ve"
        " Karpaz'da Altın Kumsal'da kumsallar vardır. Yazın bazılarında kaplumbağalar yuvalar ve bu"
        " plajlar gece kapanır.",
    ),
    _topic(
        "food and restaurants",
        r"restaurants?\b|where (?:to|can i) eat|food\b|cafes?\b|meze|kebab|seftali|hellim|halloumi"
        r"|restoran\w{0,4}|lokanta|yemek|kafe\b",
        "The old harbour of Girne, the walled towns of Lefkoşa and Gazimağusa and the fish restaurants"
        " at Boğaz are good places to start. Try meze, şeftali kebab and hellim.",
        "Girne'nin eski limanı, Lefkoşa ve Gazimağusa'nın surlariçi ve Boğaz'ın balık lokantaları iyi"
        " bir başlangıçtır. Meze, şeftali kebabı ve hellimi deneyin.",
    ),
    _topic(
        "shopping",
        r"supermarkets?\b|grocer|markets?\b|shopping|market\w{0,4}\b|alisveris|bakkal|pazar yeri",
        "The towns have large supermarkets and weekly open-air markets for fruit and vegetables. Small"
        " shops close early; many supermarkets stay open on Sundays.",
        "Şehirlerde büyük marketler ve haftalık açık pazarlar vardır. Küçük dükkânlar erken kapanır,"
        " birçok market pazar günü de açıktır.",
    ),
    _topic(
        "weather",
        r"weather|climate|how hot|how cold|hava (?:durumu|nasil)|iklim|sicaklik",
        "Summers are long, hot and dry, winters mild with some rain, spring and autumn pleasant. Homes"
        " are seldom built for cold, so look at heating as well as at air conditioning.",
        "Yazlar uzun, sıcak ve kuru, kışlar ılık ve biraz yağışlı, bahar ve sonbahar hoştur. Evler"
        " soğuk için yapılmadığından klima kadar ısıtmaya da bakın.",
    ),
    _topic(
        "pets",
        r"pets?\b|(?:cats?|dogs?) (?:allowed|ok|friendly|welcome)|(?:bring|take|import)\w{0,3} (?:my "
        r"|a )?(?:dog|cat)|vets?\b|veterin|evcil|(?:kedi"
        r"|kopek)\w{0,4} (?:getir|gotur)",
        "Bringing a pet needs a microchip, vaccinations and papers from an official vet, and rules"
        " differ by country of origin. Ask every landlord whether pets are allowed before you visit.",
        "Evcil hayvan getirmek için mikroçip, aşılar ve resmi veteriner belgeleri gerekir; kurallar"
        " geldiğiniz ülkeye göre değişir. Evi gezmeden önce evcil hayvana izin olup olmadığını sorun.",
        official=True,
    ),
    _topic(
        "post",
        r"post office|postal|parcels?\b|mailing address|posta\w{0,5}\b|kargo",
        "Post from abroad is addressed by way of Mersin 10, Turkey, with the town after it. Couriers"
        " deliver too, and parcels may be charged duty.",
        "Yurt dışından gelen posta Mersin 10, Türkiye üzerinden adreslenir. Kargo firmaları da"
        " teslimat yapar; kolilerden gümrük alınabilir.",
    ),
)
BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}
