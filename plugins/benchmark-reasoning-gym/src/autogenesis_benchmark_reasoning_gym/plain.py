"""Which answers may be given to a verifier that evaluates them.

Four of reasoning-gym's verifiers call `eval` on the answer, and five SymPy's `parse_expr`, which does the same. What a
model wrote must not be executed in this process, so these nine get an answer only if it is a literal, or a formula of
bounded size in which nothing can be called but elementary functions.
"""

import ast

_LITERAL = frozenset({"binary_matrix", "n_queens", "spiral_matrix", "string_insertion"})
_FORMULA = frozenset({"countdown", "polynomial_multiplication", "puzzle24"})
_ANALYSIS = frozenset({"intermediate_integration", "simple_integration"})
_FUNCTIONS = frozenset(
    {
        "Abs",
        "acos",
        "acot",
        "asin",
        "atan",
        "cos",
        "cosh",
        "cot",
        "csc",
        "erf",
        "exp",
        "ln",
        "log",
        "sec",
        "sin",
        "sinh",
    }
    | {"sqrt", "tan", "tanh"}
)
_LENGTH = 1000  # characters of a formula
_DIGITS = 30  # of a number
_POWER = 64  # the largest number in an exponent
_NESTED = 2  # powers within powers
_SHAPE = (ast.Expression, ast.Load, ast.UnaryOp, ast.USub, ast.UAdd)
_LISTS = (*_SHAPE, ast.Constant, ast.List, ast.Tuple)
_TERMS = (*_SHAPE, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)


def is_plain(task: str, answer: str) -> bool:
    """Whether the verifier of `task` may see `answer`; of most tasks it may see any."""
    if task not in _LITERAL | _FORMULA | _ANALYSIS:
        return True
    try:
        tree = ast.parse(answer, mode="eval")
        if task in _LITERAL:
            return all(isinstance(node, _LISTS) for node in ast.walk(tree))
        terms = all(_is_term(node, task) for node in ast.walk(tree))
        return terms and len(answer) <= _LENGTH and _depth(tree) <= _NESTED
    except SyntaxError:
        return task in _LITERAL  # `eval` fails on it likewise; SymPy rewrites a text before it evaluates it
    except (ValueError, RecursionError, MemoryError):
        return False


def _is_term(node: ast.AST, task: str) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float) and len(repr(node.value)) <= _DIGITS
    if isinstance(node, ast.Name):
        return "__" not in node.id
    if isinstance(node, ast.Call):
        return (
            task in _ANALYSIS and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS and not node.keywords
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return _is_small(node.right)
    return isinstance(node, _TERMS)


def _is_small(exponent: ast.expr) -> bool:
    """Whether an exponent is a name, a small whole or half number, or a quotient of such."""
    if isinstance(exponent, ast.UnaryOp):
        return _is_small(exponent.operand)
    if isinstance(exponent, ast.BinOp):
        sides = (exponent.left, exponent.right)
        return isinstance(exponent.op, ast.Div) and all(_is_small(s) and not isinstance(s, ast.BinOp) for s in sides)
    if isinstance(exponent, ast.Constant):
        value = exponent.value
        return isinstance(value, int | float) and abs(value) <= _POWER and float(value * 2).is_integer()
    return isinstance(exponent, ast.Name)


def _depth(node: ast.AST) -> int:
    """The deepest nesting of powers."""
    own = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)
    return own + max((_depth(child) for child in ast.iter_child_nodes(node)), default=0)
