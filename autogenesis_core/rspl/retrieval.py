"""Retrieval: the resources that fit a query best, by SQLite's full-text search and its bm25.

A word of a query finds a record by the record's own words (stemmed), or by a topic that both belong to: people say
umbrella where a description says weather. Of these ways the best one counts, and the words of a query add up.
"""

import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from heapq import nsmallest
from itertools import chain
from math import log
from types import TracebackType
from typing import TYPE_CHECKING

from attrs import frozen

from autogenesis_core.errors import InputError, unknown
from autogenesis_core.rspl.entity import KINDS

if TYPE_CHECKING:
    from autogenesis_core.rspl.record import Record

_RESULTS = 100  # of one search, at most
_QUERY = 4_000  # characters of a query that are read
_WORDS = 32  # distinct words of a query that are searched for
_TEXT = 10_000  # characters of a record's texts that are read; what it is for stands at the beginning
_TOPIC = 1.3  # weight of a topic, relative to a word of a description
_STOP = """
a able about after again all also am an and any are around as ask asks at be because been before being but by can could
d did do does doing don done else ever few for from get gets getting give go going got had has have having he help her
here hers hey hi him his how i if in into is isn it its just let like ll m made many may maybe me might mine more most
much must my need needs no not now of off ok on one only or other our out over own please put re really s same she
should show so some somebody someone something such sure t tell than thank thanks that the their them then there these
they thing things this those to too tool tools skill up us use used using ve very want wants was we well were what whats
when where whether which while who whom whose why will with within without would yes you your yours
"""
# What people write as a sign or a turn of phrase, and the words that a description has for it.
_SIGNS = (
    (re.compile(r"\d ?[+*^\u00d7\u00f7=] ?\(*\d|\d [-/] \(*\d"), "arithmetic"),
    (re.compile(r"\d\s*%"), "percent arithmetic"),
    (re.compile(r"https?://|\bwww\."), "url web page"),
    (re.compile(r"[\w.]@\w+\.\w"), "email address"),
    (re.compile(r"\b\w[\w-]{1,60}\.[a-z]\w{1,3}\b(?!/)|(?<![\w/])[~.]{0,2}/\w+"), "file"),
    (re.compile(r"\bwho (is|was|were|are)\b", re.I), "encyclopedia person"),
    (re.compile(r"\bhow (many|often)\b", re.I), "count number"),
    (re.compile(r"\bhow far\b", re.I), "distance"),
)
# A topic a line: a record belongs to it by a word before the colon in its name or description, a query by any word.
# With synonyms in both directions much less was found, since people's words are more ambiguous than descriptions' are.
# General vocabulary only: an entry for one tool or one query would make every measurement a lie.
_TOPICS = """
calculate calculator compute arithmetic mathematical: math maths sum plus minus add multiply times divide subtract \
percent percentage total tip discount square root power evaluate
equation algebra symbolic derivative calculus: solve differentiate integral integrate polynomial formula unknown
statistics mean median deviation: average variance quantile correlation regression outlier distribution
number integer decimal numeric: digit binary hexadecimal hex octal
base radix: binary hexadecimal hex octal bits
convert conversion: change turn transform express
sort order: alphabetical alphabetically rank arrange ascending descending a-z
count frequency occurrence: tally often letters words
search find look query: locate seek discover lookup
web internet url online: site search google website page link webpage engine bing duckduckgo browse
fetch download retrieve: pull scrape crawl grab website webpage page url link article content
api rest endpoint http: request post payload webhook curl header
browser: click press button tap login website page site chrome automate
screenshot: capture screen snapshot
file path: filename document disk folder txt
folder directory: files list tree inside structure
read view contents: open display cat see
write save store: create keep
edit replace modify: change rename update alter substitute correct
delete remove: erase drop clear clean trash rid wipe
move rename copy: transfer duplicate relocate
upload share drive: cloud link dropbox sync
backup restore: recover lost snapshot undo
execute run command script: program launch
shell bash terminal: console command npm pip install linux unix
python: script program code pandas notebook
javascript node: js typescript npm script
code source: codebase program programming function variable class refactor implement developer
regular regex pattern: match matching mention contain grep expression
database sql: table row record select postgres postgresql mysql sqlite relational db registered stored
insert row record: add append entry
schema column: table field structure type key
email mail mailbox: inbox mailed letter message write wrote reply gmail outlook
draft reply: answer respond response compose prepare
calendar event meeting: appointment schedule agenda invite reschedule busy monday tuesday wednesday thursday friday \
saturday sunday
cancel: call abort stop revoke
available free slot: availability busy meet
remind reminder notify notification alarm: alert forget tomorrow wake later
timer countdown: alarm minutes wake stopwatch
chat message channel: slack discord teams team dm post
translate translation language: english german french spanish italian japanese chinese russian portuguese korean \
arabic dutch polish turkish foreign
language detect: tongue written
summarize summary condense: gist shorten digest tldr brief overview long points
grammar spelling proofread: typo punctuation misspell correct mistake wording
rewrite rephrase paraphrase: tone formal polite wording simpler reword
dictionary definition synonym thesaurus: mean meaning word define pronounce etymology another
speech voice aloud: say loud speak spoken audio listen sound pronounce narrate recording hear
transcribe transcript transcription: subtitle caption dictation recording spoken audio podcast said video interview
image picture photo: photograph illustration drawing painting png jpeg jpg logo graphic artwork draw paint
generate: create make draw paint illustrate illustration design produce build
resize crop background: scale smaller larger bigger shrink enlarge thumbnail pixel cut
ocr recognize recognition: optical scan scanned receipt handwriting handwritten photo
describe shown caption: see visible
video film: movie clip youtube watch footage recording
gif animation animated: funny moving
audio sound: mp3 recording music podcast
weather forecast: temperature rain raining windy sunny sun snow umbrella cloudy hot cold warm storm humidity outside \
coat jacket
air quality pollution: breathe smog pollen asthma
sunrise sunset: dark dawn dusk daylight
latitude longitude geocode coordinate: gps location address
route direction map: distance drive walk train bus far navigate way travel
business restaurant location nearby: place shop store cafe bar pharmacy supermarket near closest nearest local food
ride taxi: cab uber pick airport
station transit timetable departure: train bus tram metro leave connection
currency exchange: money dollar euro yen pound franc usd eur gbp jpy chf forex
unit measure measurement: kilogram kg mile km kilometre kilometer metre meter foot feet inch cm ounce litre liter \
gallon celsius fahrenheit pound tall heavy
stock share ticker: trading market invest investment finance portfolio company worth
cryptocurrency crypto: bitcoin ethereum coin token worth
bank account transaction balance: money transfer spend spent
loan mortgage: borrow credit interest house month
tax: income owe vat deduct
payment refund: pay money reimburse charge stripe
invoice bill: billing charge client owe paid
shop product catalogue: buy purchase cheap cheapest price find shoes
cart shopping: buy purchase order add checkout
order delivery shipment: parcel package shipping ship deliver tracking courier arrive arrived
time clock: hour minute timezone today
date day: week month year monday tuesday wednesday thursday friday saturday sunday today old age until ago since \
born deadline birthday
holiday: vacation christmas easter
paper scientific academic: publication research journal study scholar literature citation science
encyclopedia wikipedia: fact background biography person history article knowledge explain
news headline: happen latest event world
sport football: score game match team won win league
film movie: actor played cinema watch cast series tv
novel library author: book read isbn
game play: chess win puzzle
git commit repository: repo branch blame author changed
history log: past previous historical ago earlier
difference diff compare: change changes comparison changed modified different versions
issue bug ticket: defect report problem jira
pull merge: branch pr submit merging
test: unit suite pytest pass works verify check
lint linter style: format formatting convention
container docker: image deploy deployment package
deploy deployment rollout: release ship production publish live
kubernetes pod cluster: container deployment
server cloud virtual infrastructure: machine host aws azure vm instance
log trace: output crash
metric monitoring: load latency spike dashboard slow performance
incident outage: down emergency production broken urgent
network host ping: server reachable down connection online
dns domain ip: website register resolve
certificate ssl tls: https expire
hash digest checksum: md5 sha fingerprint integrity
encrypt decrypt: secret protect cipher key
encode decode: encoding base64 b64
identifier id uuid: guid unique
password secret credential: passphrase secure strong
random: dice roll pick draw chance coin shuffle
zip archive compress: tar gz unpack extract unzip gzip decompress smaller
json: parse field structured payload valid
yaml toml xml: config configuration
valid validate validation: check correct
html css: web page site markup
markdown: md html document
chart plot graph diagram: visualize visualization histogram trend draw pie
qr barcode: scannable scan
sentiment emotion: mood opinion feeling angry happy upset positive negative
classify category classifier: sort label assign group kind tag
extract entity: pull names mentioned information
similarity semantic embedding: similar related alike
sms mobile: text phone message
phone call: ring dial telephone
contact: phone number address email person
customer crm: client user account lead
flight airport: fly plane airline travel trip
hotel room: stay accommodation overnight night lodging trip apartment
book reserve reservation: ticket seat table tonight
music song playlist: play band jazz rock artist listen
light lamp: bulb brightness dim bright switch
temperature heating thermostat: cold warm hot heat cool
lock door: close closed open key house
camera: photo surveillance watch
note memo: jot write down remember
task todo: list checklist
remember memory recall: forget earlier knowledge store
step reason thought thinking: think problem
form field: fill complete questionnaire application
survey questionnaire poll: opinion answers
pdf: document page pages
merge combine: join concatenate together single
split divide separate: cut pieces
spreadsheet excel workbook: xlsx sheet pivot cell
presentation slide powerpoint: deck pptx keynote talk
docx document: word letter report
csv tabular: table dataset data rows
data dataset analysis: analyse explore insight pandas interesting
duplicate clean: duplicated deduplicate missing dirty messy
review check: inspect audit feedback critique patch
security vulnerability threat: hole exploit risk safe attack attacker hacker
personal privacy redact anonymise: sensitive gdpr hide
changelog release: version notes
docs reference readme: document documentation explain manual
wiki confluence: page document knowledge team
brand corporate: company identity font logo colors
design interface frontend: ui ux layout landing page beautiful component react website
theme colour color: palette font
art generative: creative pattern canvas paint
communication newsletter status: update announce announcement weekly team company
marketing seo: google ranking keyword campaign advert visitors
accessibility wcag: blind disabled contrast screen reader
social twitter: tweet facebook linkedin instagram post
exception traceback error debug: crash fix fault failure bug failing wrong broken
performance optimise optimize: slow fast faster speed forever
minutes transcript: meeting decision decided action call
contract legal: law lawyer clause agreement nda lease sign terms
resume cv job: hire hiring career vacancy application cover interview
recipe cooking: cook food ingredient meal dish eat bake dinner
nutrition nutrient calorie: diet food protein vitamin healthy eat
training workout exercise: fit fitness gym run marathon muscle
drug medication medicine: pill dose tablet doctor
medical health symptom: disease doctor sick pain ill
cpu process memory: usage monitor ram
schedule cron: every daily weekly recurring automatically
plan planning project: roadmap step milestone organise
agent delegate: assistant subtask
predict prediction learning: model train machine forecast
mcp server: integrate connect protocol
"""

_STOP_WORDS = frozenset(_STOP.split())
_WORD = re.compile(r"\w{1,64}(?:-\w{1,64}){0,4}")
_PART = re.compile(r"[A-Z]+(?![a-z])|[^\W_A-Z]+|[A-Z][^\W_A-Z]*")
_BRITISH = re.compile(r"(?<=\w{3})is(e|es|ed|ing|er|ation)$")

_TABLES = """
CREATE VIRTUAL TABLE own USING fts5(name, description, tokenize = 'porter unicode61');
CREATE VIRTUAL TABLE detail USING fts5(arguments, texts, tokenize = 'porter unicode61');
CREATE VIRTUAL TABLE topic USING fts5(words, tokenize = 'porter unicode61');
"""
# A table for each, because bm25 takes the length of a whole row as that of each column: a skill's long body would hide
# its name.
_SCORES = (
    "SELECT rowid, -bm25(own, 2.0, 1.0) FROM own WHERE own MATCH ?",
    "SELECT rowid, -bm25(detail, 0.5, 0.25) FROM detail WHERE detail MATCH ?",
)


@frozen
class Found:
    """A resource that fits a query; `score` compares the results of one search, higher is better."""

    id: str
    score: float
    description: str
    digest: str


class Index:
    """A full-text index in memory over some records; close it, or use it as a context manager."""

    def __init__(self, records: "Iterable[Record]") -> None:
        self._records = sorted(records, key=lambda record: record.id)
        self._database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Index":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the memory back; a closed index cannot be searched."""
        self._database.close()

    def search(self, query: str, k: int = 4, kind: str | None = None) -> list[Found]:
        """The at most `k` resources that fit `query` best, the best first; equal ones in the order of their ids.

        Arguments:
            query: free text in anybody's words; nothing in it is syntax
            k: how many, from 1 to 100
            kind: only resources of that kind

        Raises InputError for another `k`, UnknownName for an unknown kind.
        """
        if not 1 <= k <= _RESULTS:
            raise InputError(f"k must be from 1 to {_RESULTS}, not {k}")
        if kind is not None and kind not in KINDS:
            raise unknown("kind", kind, KINDS)
        scores: dict[int, float] = {}
        for word in _query_words(query):
            for number, score in self._scores(word).items():
                scores[number] = scores.get(number, 0.0) + score
        fitting = (number for number in scores if kind in (None, self._records[number].kind))
        best = nsmallest(k, fitting, key=lambda number: (-scores[number], number))
        return [
            Found(record.id, scores[number], record.description, record.digest)
            for number, record in ((number, self._records[number]) for number in best)
        ]

    def _scores(self, word: str) -> dict[int, float]:
        """What a word gives each record: its best way counts."""
        own, detail = (self._database.execute(scores, [f'"{word}"']).fetchall() for scores in _SCORES)
        topics = self._database.execute("SELECT rowid FROM topic WHERE topic MATCH ?", [f'"{word}"'])
        best = dict(own)
        for number, score in chain(detail, *(self._topics[topic] for (topic,) in topics)):
            if score > best.get(number, 0.0):
                best[number] = score
        return best

    def _build(self) -> None:
        run = self._database
        run.executescript(_TABLES)
        run.execute("BEGIN")
        for number, record in enumerate(self._records):
            name, description, arguments, texts = (" ".join(_words(text)) for text in _document(record))
            run.execute("INSERT INTO own (rowid, name, description) VALUES (?, ?, ?)", (number, name, description))
            run.execute("INSERT INTO detail (rowid, arguments, texts) VALUES (?, ?, ?)", (number, arguments, texts))
        members: list[list[int]] = []
        for topic, line in enumerate(_TOPICS.strip().splitlines()):
            run.execute("INSERT INTO topic (rowid, words) VALUES (?, ?)", (topic, " ".join(_words(line))))
            heads = " OR ".join(f'"{word}"' for word in _words(line.partition(":")[0]))
            members.append([number for (number,) in run.execute("SELECT rowid FROM own WHERE own MATCH ?", [heads])])
        run.execute("COMMIT")
        self._topics = _topic_scores(members, len(self._records))


def _topic_scores(members: Sequence[Sequence[int]], size: int) -> list[list[tuple[int, float]]]:
    """What bm25 gives each topic's records, if a record were the list of its topics."""
    lengths = Counter(number for numbers in members for number in numbers)
    mean = lengths.total() / max(1, size)
    shares = {number: _TOPIC * 2.2 / (1 + 1.2 * (0.25 + 0.75 * length / mean)) for number, length in lengths.items()}
    scores = []
    for numbers in members:
        rarity = max(1e-6, log((size - len(numbers) + 0.5) / (len(numbers) + 0.5)))
        scores.append([(number, rarity * shares[number]) for number in numbers])
    return scores


def _query_words(query: str) -> list[str]:
    """The distinct words of a query that tell something; all of them if none does."""
    query = query[:_QUERY]
    words = [*_words(query), *(word for sign, words in _SIGNS if sign.search(query) for word in words.split())]
    # A number is what a tool works on, hardly ever what its description names.
    telling = [word for word in words if word not in _STOP_WORDS and not word.isdecimal()]
    return list(dict.fromkeys(telling or words))[:_WORDS]


def _words(text: str) -> Iterator[str]:
    """The words of a text, folded; of a compound such as `e-mail` or `sendEmail` its parts and the whole."""
    for word in _WORD.findall(unicodedata.normalize("NFKC", text)):
        yield from _forms(word)


@lru_cache(maxsize=10_000)
def _forms(word: str) -> tuple[str, ...]:
    parts = tuple(_BRITISH.sub(r"iz\1", part.casefold()) for part in _PART.findall(word))
    return parts if len(parts) < 2 else (*parts, "".join(parts))


def _document(record: "Record") -> tuple[str, str, str, str]:
    """A record's name, description, arguments and texts."""
    schema = record.exports.get("parameters")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    arguments: list[object] = []
    for name, argument in (properties if isinstance(properties, Mapping) else {}).items():
        arguments += [name, argument.get("description") if isinstance(argument, Mapping) else None]
    texts: list[object] = [record.exports.get("limits"), record.exports.get("examples")]
    if record.kind == "prompt":
        texts += record.parameters.values()
    elif record.exports.get("form") == "skill":
        files = record.parameters.get("files")
        texts += [record.parameters.get("body"), list(files) if isinstance(files, Mapping) else None]
    return record.name, record.description[:_TEXT], _text(arguments), _text(texts)


def _text(values: Iterable[object]) -> str:
    """The strings among values and lists of values, as one text of bounded length."""
    strings = (item for value in values for item in (value if isinstance(value, list | tuple) else [value]))
    return "\n".join(item for item in strings if isinstance(item, str))[:_TEXT]
