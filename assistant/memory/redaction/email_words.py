"""Which words stand for the signs of an e-mail address, and which words show that a sentence is none. Data only."""

from typing import Final

from assistant.memory.redaction.wordlists import word_set, words

SURE_AT: Final = words(
    "at @ arroba kuyruklu_a kuyruklua çengelli_a et_isareti at_isareti et_işareti at_işareti at_sign at-sign",
    "at_the_rate at_the_rate_of klammeraffe affenschwanz at_zeichen at-zeichen собака собачка эт ат гав παπάκι ατ",
    "arobase arrobase arobas chiocciola chiocciolina güzel_a kulaklı_a papaki sobaka sobachka kuyruklu a.t a.t.",
    "małpa malpa małpka apenstaartje apenstaart zavináč snabel-a snabela kukac равлик a_rond arond",
)
DOUBTFUL_AT: Final = words("a et ad στο σε на bei")
_BARE_AT: Final = (
    "at arroba et kuyruklu_a kuyruklua çengelli_a et_isareti at_isareti et_işareti at_işareti at_sign at-sign",
    "at_the_rate at_the_rate_of klammeraffe affenschwanz at_zeichen at-zeichen собака собачка эт ат гав παπάκι στο ατ",
    "arobase arrobase arobas chiocciola chiocciolina güzel_a kulaklı_a papaki sobaka sobachka kuyruklu a.t a.t.",
    "małpa malpa małpka apenstaartje apenstaart zavináč snabel-a snabela kukac равлик arond",
)
BARE_AT: Final = words(*_BARE_AT)
BARE_AT_BEGINNINGS: Final = "".join(
    f"[{''.join(sorted({word[place] for word in word_set(*_BARE_AT)}))}]" for place in range(2)
)
# Of these, words of plain sentences: a dog, a monkey, a snail, "in the".
MEAT: Final = "et"
AT_OF_SENTENCES: Final = word_set(
    "собака собачка sobaka sobachka ат эт гав στο παπάκι papaki małpa malpa małpka chiocciola kukac kuyruklu равлик",
)
# Words for the sign and for nothing else.
NAMED_AT: Final = word_set(
    "arroba arobase arrobase arobas chiocciola klammeraffe affenschwanz at-zeichen kuyruklua собака собачка παπάκι",
    "at-sign",
)
DOT: Final = words(
    "dot d0t period nokta punkt punto ponto point τελεία teleia telia ντοτ точка tochka тчк дот",
    "kropka punt tečka punktum pont крапка d.o.t d.o.t.",
)
JOINT: Final = words(
    "underscore dash hyphen minus plus dot nokta punkt τελεία точка",
    "çizgi alt_çizgi alttan_çizgi alttire alt_tire tire eksi artı unterstrich bindestrich",
    "κάτω_παύλα παύλα нижнее_подчёркивание подчёркивание дефис тире минус плюс",
    "punt kropka podkreślnik podkreslnik myślnik myslnik tečka podtržítko",
    "punto ponto tochka teleia telia tiret trattino trattino_basso guion guion_bajo",
)
# Joints that also join the words of a plain sentence ("rooms plus rent").
JOINT_OF_SENTENCES: Final = word_set("plus minus artı eksi плюс минус")
ENDINGS: Final = words(
    "com net org edu gov info biz io co me eu tr uk de gr ru cy fr it nl us ua ge ir il com.tr co.uk app dev"
)
# After words that plain sentences have, too; none of these is a word of one.
SPOKEN_ENDINGS: Final = words(
    "com net org edu gov info biz io co me eu tr uk de gr ru cy fr it nl us ua ge ir il com.tr co.uk app dev",
    "ру рф ком нет орг уа pl hu cz pt ch dk ro bg",
)
SURE_ENDINGS: Final = words(  # those that nothing else is meant by after two dots or on a line of their own
    "com net org edu gov info biz eu tr uk de gr ru cy fr nl ua ge com.tr org.tr edu.tr net.tr com.cy co.uk org.uk"
)
WORDLESS_ENDINGS: Final = words("com net org edu gov ru com.tr co.uk")  # those that are no word of a sentence
# Mailbox providers people name without their ending.
PROVIDERS: Final = word_set(
    "gmail googlemail hotmail outlook yahoo icloud yandex protonmail proton gmx mail live msn aol mynet",
    "web rambler bk inbox ymail rocketmail tutanota zoho windowslive superonline ttnet otenet",
)
BARE_PROVIDERS: Final = words(
    "gmail googlemail hotmail outlook yahoo icloud yandex protonmail gmx aol mynet rambler ymail windowslive"
)
# The same as voice typing hears them.
PARTED_PROVIDERS: Final = words("g_mail gee_mail google_mail hot_mail out_look i_cloud proton_mail y_mail rocket_mail")
MAIL: Final = words(
    "email e-mail mail mailim mailimiz eposta e-posta epostam e-postam posta inbox write contact reach send adres",
    "adresim adresi address adresse schreib schreiben почта почту почте почты почтой имейл емейл мыло пиши пишите",
    "ιμέιλ μέιλ ημέιλ γράψε στείλε yaz yazın yazabilirsin gönder ulaş ulaşın iletişim",
)
# After an address: that it is one.
MAIL_AFTER: Final = (
    r"[ ,]{0,2}(?:(?:is|ist|это|είναι)[ ])?(?:"
    + words(
        "my_mail my_email my_e-mail my_address meine_mail meine_email meine_e-mail meine_adresse mail_me email_me",
        "mail_adresim mailim e-postam epostam eposta_adresim e-posta_adresim моя_почта мой_имейл το_μέιλ_μου",
    )
    + r")(?!\w)"
)
# Words that stand before "at <site>" in a plain sentence.
PLAIN: Final = word_set(
    "a about above account ads again all also am an",
    "and angry any anything apartment apartments app are arrive arrived as",
    "ask available away back be been begin best better book",
    "booked booking bought branch browse building but buy by call",
    "came career careers ceo chat cheap cheaper check code",
    "come company contact cottage customer customers day deal deals",
    "desk developer did director discount do done down dinner each else employee employees engineer events everything",
    "excellent expert fine first flat flats for found free friend",
    "friends from ghosted go going good great guest guy guys",
    "had happy has have he head helpdesk her here hers him",
    "his home hosted hosting hotel hotels house houses how i ideas",
    "if im image in information is it item items job jobs join just land launch laugh later less list listed listing",
    "listings live look looked looking looks lot lots lunch",
    "manager manually me meet meeting member met mine more most move",
    "my myself near new news nice night no nobody not nothing",
    "now of off offer offers office official on once one online",
    "only open or order orders our out over page pages paid part party pay people person photo photos pictures place",
    "places point post posted price prices product products profile properties property published purchase read real",
    "recruiter rent rental rentals reservation reserve review reviews room rooms sale sales saw search see seen sell",
    "seller service services she shop shopping shopped sign",
    "site sold someone something stay stayed staff starting start",
    "stop store stuff support team than that the their them",
    "then there they thing things this those ticket tickets time",
    "today together tomorrow tonight too trip try under up us",
    "use user users very video videos view villa villas visit",
    "want was watch we website well went were what when",
    "where which while who why will with work worked worker working",
    "works would yes yesterday yet you your yours",
    "account hesap ilan ilanı ev evi fiyat daire biz sen o bu şu onu bunu var yok dikkat mesaj telefon çok ve ile",
    "bir site sitesi link adres",
    "έχω είναι δουλεύει δουλεύω εργάζεται μένω σπίτι λογαριασμό βρήκα είδα βρες αγγελία μου σου του της και",
)
DETERMINERS: Final = word_set(
    "a an the this that these those my your our their his her its some any no every each best good great new",
    "one another which what",
)
# Words that no mailbox of two words begins with.
NO_NAMES: Final = (
    PLAIN
    | DETERMINERS
    | word_set(
        "its is hi hey hello ok please pls bana sana ona bize size onlara lütfen şuraya buraya adresime mailime selam",
        "merhaba bitte hallo mir uns привет мне нам на γεια μου",
        "to via through into onto towards only directly straight re cc bcc either maybe both",
        "an die der das den dem des ein eine einen einem einer zu zum zur von vom unter beim auf für mit über nach aus",
        "im am oder und ist auch direkt gerne für için şu bu de da ki veya ya diye olarak doğrudan hemen üzerinden",
        "σε στο στον στην στη στα στις στους το τον την τη τα τις τους οι για με από προς μέσω είναι ένα μια ή",
        "в во с со к ко по от из для о об и или это мой моя мою ваш ваша через за под пожалуйста сюда туда только",
    )
)
