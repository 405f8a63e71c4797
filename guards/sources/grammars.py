"""What the scanner must know of each language that it parses: which nodes are strings, comments, definitions, calls.

Pure data over the node kinds of the tree-sitter grammars that ast-grep carries (0.51). The folding itself is in
guards.sources.folding and knows no language.

    GRAMMARS["rust"].comments
    ('line_comment', 'block_comment')
"""

from __future__ import annotations

from dataclasses import dataclass, replace

Kinds = tuple[str, ...]


@dataclass(frozen=True)
class Grammar:
    """Node kinds by the part they play. `holes` are interpolations inside a string; `joins` are expressions whose
    operands stand for one text when their operator is in `operators`; `choices` are one of theirs; `wrappers` stand for
    what they contain; `growths` add to a name, `raws` are strings without escapes."""

    strings: Kinds
    comments: Kinds
    texts: Kinds = ()
    escapes: Kinds = ("escape_sequence",)
    holes: Kinds = ()
    joins: Kinds = ()
    operators: Kinds = ("+",)
    calls: Kinds = ()
    lists: Kinds = ()
    choices: Kinds = ()
    wrappers: Kinds = ()
    members: Kinds = ()
    names: Kinds = ("identifier",)
    definitions: Kinds = ()
    growths: Kinds = ()
    raws: Kinds = ()
    functions: Kinds = ()
    code: bool = True  # a programming language: what it holds runs
    embeds: bool = False  # its texts can be scripts of other languages


_JAVASCRIPT = Grammar(
    strings=("string", "template_string"),
    texts=("string_fragment",),
    holes=("template_substitution",),
    comments=("comment",),
    joins=("binary_expression",),
    calls=("call_expression", "new_expression"),
    lists=("array",),
    choices=("ternary_expression",),
    wrappers=("parenthesized_expression",),
    members=("member_expression", "subscript_expression"),
    names=("identifier", "property_identifier", "shorthand_property_identifier",
           "shorthand_property_identifier_pattern"),
    definitions=("variable_declarator", "pair", "field_definition", "assignment_expression",
                 "object_assignment_pattern"),
    growths=("augmented_assignment_expression",),
    functions=("function_declaration", "method_definition", "call_expression"),
)  # fmt: skip

_TYPESCRIPT = replace(
    _JAVASCRIPT,
    wrappers=("parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"),
    names=(*_JAVASCRIPT.names, "type_identifier"),
    definitions=("variable_declarator", "pair", "enum_assignment", "public_field_definition", "assignment_expression",
                 "object_assignment_pattern"),
)  # fmt: skip

GRAMMARS: dict[str, Grammar] = {
    "rust": Grammar(
        strings=("string_literal", "raw_string_literal", "char_literal"),
        texts=("string_content",),
        raws=("raw_string_literal",),
        comments=("line_comment", "block_comment"),
        joins=("binary_expression",),
        calls=("call_expression", "macro_invocation"),
        lists=("array_expression",),
        wrappers=("parenthesized_expression", "reference_expression", "try_expression"),
        members=("scoped_identifier", "field_expression"),
        names=("identifier", "field_identifier", "type_identifier"),
        definitions=("const_item", "static_item", "let_declaration", "field_initializer", "assignment_expression"),
        growths=("compound_assignment_expr",),
        functions=("function_item", "mod_item"),
    ),
    "javascript": _JAVASCRIPT,
    "typescript": _TYPESCRIPT,
    "tsx": _TYPESCRIPT,
    "swift": Grammar(
        strings=("line_string_literal", "multi_line_string_literal", "raw_string_literal"),
        texts=("line_str_text", "multi_line_str_text", "raw_str_part", "raw_str_end_part"),
        escapes=("str_escaped_char",),
        holes=("interpolated_expression",),
        comments=("comment", "multiline_comment"),
        joins=("additive_expression",),
        calls=("call_expression",),
        lists=("array_literal",),
        choices=("ternary_expression",),
        wrappers=("tuple_expression", "value_argument"),
        members=("navigation_expression",),
        names=("simple_identifier", "type_identifier"),
        definitions=("property_declaration", "enum_entry", "assignment"),
        raws=("raw_string_literal",),
        functions=("function_declaration",),
    ),
    "elixir": Grammar(
        strings=("string", "charlist", "sigil", "atom", "quoted_atom"),
        texts=("quoted_content",),
        holes=("interpolation",),
        comments=("comment",),
        joins=("binary_operator",),
        operators=("<>", "++"),
        calls=("call",),
        lists=("list",),
        wrappers=("block", "unary_operator"),
        members=("dot",),
        names=("identifier", "alias"),
        definitions=("call", "binary_operator"),
        functions=("call",),
    ),
    "kotlin": Grammar(
        strings=("string_literal", "character_literal"),
        texts=("string_content",),
        escapes=("character_escape_seq",),
        holes=("interpolated_expression", "interpolated_identifier"),
        comments=("line_comment", "multiline_comment"),
        joins=("additive_expression",),
        calls=("call_expression",),
        wrappers=("parenthesized_expression", "value_argument"),
        members=("navigation_expression",),
        names=("simple_identifier", "type_identifier", "interpolated_identifier"),
        definitions=("property_declaration", "assignment", "enum_entry"),
        functions=("function_declaration",),
    ),
    "java": Grammar(
        strings=("string_literal", "character_literal"),
        texts=("string_fragment", "multiline_string_fragment"),
        comments=("line_comment", "block_comment"),
        joins=("binary_expression",),
        calls=("method_invocation", "object_creation_expression"),
        lists=("array_initializer",),
        choices=("ternary_expression",),
        wrappers=("parenthesized_expression",),
        members=("field_access",),
        names=("identifier", "type_identifier"),
        definitions=("variable_declarator", "assignment_expression", "enum_constant"),
        functions=("method_declaration",),
    ),
    "bash": Grammar(
        strings=("string", "raw_string", "ansi_c_string", "word", "heredoc_body"),
        texts=("string_content", "heredoc_content"),
        escapes=(),
        holes=("expansion", "simple_expansion", "command_substitution"),
        raws=("raw_string", "word"),
        comments=("comment",),
        joins=("concatenation",),
        operators=(),  # what stands side by side is one word
        calls=("command",),
        names=("variable_name",),
        definitions=("variable_assignment",),
        functions=("function_definition",),
    ),
    # Only to see what is worth libcst's time (guards.sources.python).
    "python": Grammar(
        strings=("string", "concatenated_string"),
        texts=("string_content",),
        holes=("interpolation",),
        comments=("comment",),
        joins=("binary_operator",),
        operators=("+", "%", "/"),
        calls=("call",),
        lists=("list", "tuple", "set"),
        choices=("conditional_expression",),
        wrappers=("parenthesized_expression",),
        members=("attribute", "subscript"),
        definitions=("assignment", "named_expression", "keyword_argument", "default_parameter", "pair"),
        growths=("augmented_assignment",),
        functions=("function_definition",),
    ),
    "yaml": Grammar(
        strings=("double_quote_scalar", "single_quote_scalar", "string_scalar", "block_scalar"),
        raws=("single_quote_scalar", "string_scalar", "block_scalar"),
        comments=("comment",),
        names=(),
        code=False,
        embeds=True,
    ),
    "json": Grammar(strings=("string",), texts=("string_content",), comments=("comment",), names=(), code=False),
    "html": Grammar(
        strings=("attribute_value", "text"),
        escapes=(),
        comments=("comment",),
        names=("tag_name", "attribute_name"),
        code=False,
        embeds=True,
    ),
}
