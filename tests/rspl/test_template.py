"""Templates: what renders, what is refused, and that no template takes much time or memory."""

import json
import subprocess
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autogenesis_core import TemplateError
from autogenesis_core.rspl.template import LIMIT, inputs_of, render

INPUTS = {"task": "2+2", "items": ["b", "a"], "table": {"k": "v"}, "n": 3, "none": None, "long": "x" * 50_000}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("no tag", "no tag"),
        ("a { brace }", "a { brace }"),
        ("{{ task }}", "2+2"),
        ("{{ items | join(', ') }}", "b, a"),
        ("{% for item in items %}{{ loop.index }}.{{ item }} {% endfor %}", "1.b 2.a "),
        ("{% if n > 2 and not none %}many{% else %}few{% endif %}", "many"),
        ("{{ table.k }}{{ table['k'] }}{{ items[0] }}", "vvb"),
        ("{{ task | replace('+', ' plus ') | upper }}", "2 PLUS 2"),
        ("{{ table | tojson }}", '{"k": "v"}'),
        ("{{ none | default('nobody', true) }}", "nobody"),
        ("{{ 'a' if missing is defined else 'b' }}", "b"),
        ("{{ '<b>' }}", "<b>"),
        ("line\n", "line\n"),
        ("{% raw %}{{ task }}{% endraw %}", "{{ task }}"),
    ],
)
def test_a_template_renders(source, expected):
    assert expected == render(source, INPUTS)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("none", set()),
        ("{{ task }} {{ items[n] }}", {"task", "items", "n"}),
        ("{% for item in items %}{{ item }}{% endfor %}", {"items"}),
        ("{% if a %}{{ b }}{% endif %}", {"a", "b"}),
        ("{% raw %}{{ task }}{% endraw %}{# {{ x }} #}", set()),
    ],
)
def test_the_inputs_of_a_template_are_known_before_it_renders(source, names):
    assert names == inputs_of(source)


REFUSED = [
    "{{ 'a' * 1000000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ n + 1 }}",
    "{{ -n }}",
    "{{ 'a' % n }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '{:>1000000000}'.format('x') }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ 'x' | center(1000000000) }}",
    "{{ 'x' | indent(1000000000) }}",
    "{{ ['x'] | batch(1000000000) | list }}",
    "{{ ['x'] | slice(1000000000) | list }}",
    "{{ 'x' | wordwrap(1) }}",
    "{{ 'x' | filesizeformat }}",
    "{{ items | map('upper') | list }}",
    "{{ items | sum }}",
    "{{ lipsum(1000) }}",
    "{{ cycler('a') }}",
    "{{ namespace(a=1) }}",
    "{{ dict(a=1) }}",
    "{{ range(1000000000) | list }}",
    "{% for i in range(1000000000) %}{% endfor %}",
    "{% for a in items %}{% for b in items %}{% for c in items %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in items recursive %}{{ loop(items) }}{% endfor %}",
    "{{ 'x' ~ n }}",
    "{{ items | sort }}",
    "{{ [1, 2] }}",
    "{% set a = 1 %}",
    "{% set a %}{{ long }}{% endset %}",
    "{% macro m() %}x{% endmacro %}",
    "{% call m() %}x{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% with a = 1 %}{% endwith %}",
    "{% block b %}{% endblock %}",
    "{% include 'x' %}",
    "{% import 'x' as x %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% do items.append(1) %}",
    "{% autoescape true %}{% endautoescape %}",
    "{{ task.__class__ }}",
    "{{ task['__class__'] }}",
    "{{ task | attr('__class__') }}",
    "{{ [task] | join(attribute='__class__') }}",
    "{{ [task] | sort(attribute='__class__.__mro__') }}",
    "{{ [task] | unique(attribute='__class__') | list }}",
    "{{ task._private }}",
    "{{ task.upper() }}",
    "{{ items.append(1) }}",
    "{{ self.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ loop }}",
    "{{ {'a': 1} }}",
    "{{ undefined_input }}",
    "{{ task.nothing }}",
    "{{ task is callable }}",
    "{{ task is divisibleby(0) }}",
    "{{",
    "{%",
    "{{ }}",
    "{% endfor %}",
    "{% for %}",
    "{{ | }}",
    "{{ n | nofilter }}",
    "{{ n is notest }}",
    "{{ 1 | join }}",
    "{{ none.x }}",
    "{{ items[9] }}",
    "{{ items | first(1, 2, 3) }}",
    "{{ task | upper(x=1) }}",
]


@pytest.mark.parametrize("source", REFUSED)
def test_what_a_template_may_not_use_is_refused(source):
    with pytest.raises(TemplateError):
        render(source, INPUTS)


# Every template is parsed, walked and compiled: each stage has limits of its own to run into.
AWKWARD = {
    "a number of 5,000 digits": "{{ " + "9" * 5_000 + " }}",
    "5,000 attributes": "{{ a" + ".b" * 5_000 + " }}",
    "300 filters": "{{ a" + "|upper" * 300 + " }}",
    "5,000 filters": "{{ a" + "|upper" * 5_000 + " }}",
    "150 nested ifs": "{% if a %}" * 150 + "{% endif %}" * 150,
    "3,000 nested ifs": "{% if a %}" * 3_000 + "{% endif %}" * 3_000,
    "3,000 parentheses": "{{ " + "(" * 3_000 + "1" + ")" * 3_000 + " }}",
    "1,000 lists": "{{ " + "[" * 1_000 + "]" * 1_000 + " }}",
    "an argument twice": "{{ a|truncate(length=1, length=2) }}",
    "an assignment to a keyword": "{% for True in a %}{% endfor %}",
    "two names of one loop": "{% for a, a in b %}{{ a }}{% endfor %}",
    "a template of megabytes": "{{ a }}" + "x" * 1_000_000,
    "no template, and megabytes": "x" * 1_000_000,
    "a cut that is shorter than its end": "{{ a|truncate(2) }}",
    "a null": "{{ '\0' }}\0",
    "a lone surrogate": "{{ '\ud800' }}",
    "a long concatenation": "{{ " + " ~ ".join(["a"] * 3_000) + " }}",
    "many alternatives": "{% if a %}" + "{% elif a %}" * 3_000 + "{% endif %}",
    "many comparisons": "{{ a" + " < a" * 3_000 + " }}",
}


@pytest.mark.parametrize(
    "source",
    ["x" * (LIMIT + 1), "{{ '' }}" + "x" * (LIMIT + 1), "{{ long }}" * 5, "{{ long }}x{{ long }}x{{ long }}{{ long }}"],
    ids=["text alone", "text", "a repeated input", "just over"],
)
def test_nothing_renders_to_more_than_the_limit(source):
    with pytest.raises(TemplateError, match="more than 200,000 characters"):
        render(source, INPUTS)


def test_exactly_the_limit_renders():
    assert len(render("{{ long }}" * 4, INPUTS)) == LIMIT


def test_a_loop_over_too_many_items_is_refused():
    with pytest.raises(TemplateError, match="too much work"):
        render("{% for item in items %}{% endfor %}", {"items": range(600_000)})


PIECES = st.sampled_from(
    ["{{", "}}", "{%", "%}", "{#", "#}", " ", "task", "items", "n", "long", "table", "'a'", '"', "1", "9999", "[", "]",
     "(", ")", "|", "~", ".", ",", ":", "=", "==", "for x in", "endfor", "if", "elif", "else", "endif", "x", "is", "in",
     "not", "and", "or", "upper", "join", "replace", "list", "tojson", "round", "truncate", "sort", "default", "int",
     "length=", "loop.index", "__class__", "set", "raw", "endraw", "\n", "-", "+", "*"]
)  # fmt: skip
EXPRESSIONS = st.lists(PIECES, max_size=8).map(lambda pieces: "{{ " + " ".join(pieces) + " }}")


@settings(max_examples=100, deadline=None)
@given(st.lists(PIECES | EXPRESSIONS, max_size=15).map("".join) | st.text(max_size=30).map("{{{{{}}}}}".format))
def test_any_template_gives_at_most_the_limit_or_a_template_error(source):
    try:
        wanted = inputs_of(source)
        assert len(render(source, INPUTS)) <= LIMIT
    except TemplateError:
        return
    assert wanted <= INPUTS.keys() or "default" in source or "if" in source or "or" in source


# Each in a process of its own, with a second of processor time and a look at their memory.
_PART = "0," * 20_000
BOMBS = {
    "a loop in a loop over a text": "{% for a in long %}{% for b in long %}{% endfor %}{% endfor %}",
    "a loop in a loop over lists": "{% for a in items %}{% for b in items %}{% endfor %}{% endfor %}",
    "a loop in a loop over lists of its own": (
        f"{{% for a in [{_PART}] %}}" + f"{{% for b in [{_PART}] %}}" + "{% endfor %}{% endfor %}"
    ),
    "many loops after each other": "{% for a in long %}{% for b in items %}{% endfor %}{% endfor %}" * 20,
    "a text joined by a text": "{{ long | join(long) }}",
    "its own text joined by itself": f"{{{{ '{'a' * 20_000}' | join('{'b' * 20_000}') }}}}",
    "a list of one text, joined": "{{ [" + "long," * 6_000 + "] | join }}",
    "a list of one text, as a text": "{{ [" + "long," * 6_000 + "] | string }}",
    "a list of one text, as JSON": "{{ [" + "long," * 6_000 + "] | tojson }}",
    "a text joined to itself": "{{ " + " ~ ".join(["long"] * 800) + " | length }}",
    "JSON with an indent": "{{ [1, 2] | tojson(300000000) }}",
    "JSON with an indent by name": "{{ [1, 2] | tojson(indent=300000000) }}",
    "a replacement of nothing": "{{ long | replace('', long) }}",
    "a replacement of everything": "{{ long | replace('x', long) }}",
    "rounding up at a digit far to the right": "{{ 3 | round(100000000, 'ceil') }}",
    "rounding at a digit far to the left": "{{ 3 | round('-100000000' | int) }}",
    "sorting long lists in a loop": "{% for a in items %}{{ (items | sort)[:0] | join }}{% endfor %}",
    "a list of the items in a loop": "{% for a in items %}{{ (long | list)[:0] | join }}{% endfor %}",
}
_HARNESS = """
import json, os, resource, signal, sys, time
from autogenesis_core import TemplateError
from autogenesis_core.rspl.template import inputs_of, render
inputs = {"long": "x" * 50_000, "items": list(range(10_000)), "a": "x", "b": [(1, 2)]}
render("{{ items | join | length }}", inputs)
found = {}
for name, source in json.load(sys.stdin).items():
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        resource.setrlimit(resource.RLIMIT_CPU, (1, 2))
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
        said = ""
        for use in (inputs_of, lambda text: render(text, inputs)):
            try:
                use(source)
                said = said or "text"
            except TemplateError:
                said = said if said not in ("", "text") else "TemplateError"
            except BaseException as error:
                said = type(error).__name__
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
        os.write(writing, (said if more < 64 else f"{said} after {more} MB").encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    status = os.waitpid(child, 0)[1]
    found[name] = said if not os.WIFSIGNALED(status) else "no end within a second"
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def rendered():
    sources = json.dumps({**BOMBS, **AWKWARD})
    done = subprocess.run([sys.executable, "-c", _HARNESS], input=sources, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_template_is_refused_within_a_second_and_in_little_memory(rendered, name):
    assert rendered[name] == "TemplateError"


@pytest.mark.parametrize("name", AWKWARD)
def test_an_awkward_template_gives_text_or_a_template_error_within_a_second(rendered, name):
    assert rendered[name] in ("text", "TemplateError")


# Templates of placeholders alone are filled without jinja2, to the same text

PIECES = st.sampled_from(
    ["{{ name }}", "{{name}}", "{{  b2 }}", "{{ _x }}", "{{", "}}", "{", "}", "{{{ name }}}", "{%", "%}", "{# c #}",
     "\n", "\r\n", " ", "text", "{{ True }}", "{{ name.upper }}", "{{ missing }}", "{{ self }}", "{{ é }}", "{{\tname }}",
     "{{ name\n}}", "{{- name -}}", "\\", "\0"]
)  # fmt: skip
VALUES = st.sampled_from(["Ada", "", "{{ b2 }}", "<b>&", 3, 2.5, None, True, ["a"], "é\r\n"])


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=6).map("".join), st.fixed_dictionaries({"name": VALUES, "b2": VALUES, "_x": VALUES}))
def test_a_template_of_placeholders_is_what_jinja2_makes_of_it(source, inputs):
    def outcome(text):
        try:
            return render(text, inputs)
        except TemplateError as error:
            return "undefined" in error.reason or type(error)

    # A comment renders to nothing, and only jinja2 knows comments. Text without a brace is no template.
    assume("{" in source)
    assert outcome(source + "\n") == outcome(source + "\n{# #}")


def test_a_template_of_placeholders_does_not_import_jinja2():
    code = "import sys; from autogenesis_core.rspl.template import render; print(render('Hi {{ x }}.', {'x': 1}))"
    code += "; print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["Hi 1.", "False"]
