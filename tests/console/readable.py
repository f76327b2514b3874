"""Whether a page in the browser can be read by everybody: with axe, on a phone, in one language."""

import re

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, Page

# The levels that the law asks of public bodies: WCAG 2.1, A and AA.
AXE = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
}
# Contrast is all but a fifth of what axe does, and follows from what is written here: of texts
# that are alike in all of it only the first is measured, on the first page that has one.
ALIKE = """() => {
    const judged = new Set(JSON.parse(sessionStorage.getItem("judged") || "[]"));
    const plain = {
        backgroundColor: "rgba(0, 0, 0, 0)", backgroundImage: "none", opacity: "1",
        filter: "none", mixBlendMode: "normal", position: "static", clip: "auto", clipPath: "none",
    };
    const grounds = new Map([[null, ""]]);
    const ground = (element) => {
        if (!grounds.has(element)) {
            const style = getComputedStyle(element);
            const own = Object.keys(plain).map((each) => style[each])
                .filter((value, place) => value !== Object.values(plain)[place]);
            if (element.disabled || element.ariaDisabled || element.control?.disabled)
                own.push("disabled");
            const joined = own.length ? "/" + own.join() : "";
            grounds.set(element, ground(element.parentElement) + joined);
        }
        return grounds.get(element);
    };
    for (const element of document.querySelectorAll("body *")) {
        const written = [...element.childNodes].some((each) => each.nodeType === Node.TEXT_NODE
            && each.data.trim()) || element.matches("input, select, textarea");
        if (!written) continue;
        if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
        const {color, fontSize, fontWeight, textShadow} = getComputedStyle(element);
        const looks = [color, fontSize, fontWeight, textShadow, ground(element)].join();
        if (!judged.has(looks)) element.setAttribute("data-judge", "");
        judged.add(looks);
    }
    sessionStorage.setItem("judged", JSON.stringify([...judged]));
    axe.configure({rules: [{id: "color-contrast", selector: "[data-judge]"}]});
}"""
# Only what is wrong leaves the page: all that is right takes longer to carry over than to find.
VIOLATIONS = """async (options) => (await axe.run(options)).violations.map(
    (each) => `${each.id}: ${each.nodes.slice(0, 4).map((node) => node.html.slice(0, 120))}`)"""
# Where a thing ends that a reader cannot scroll to, or stands in a column one letter wide.
OUTSIDE = """() => [...document.querySelectorAll("main *, header *")].filter((each) => {
    const box = each.getBoundingClientRect();
    const hidden = "svg, pre, textarea, select, .visually-hidden, .skip";
    if (!box.width || each.closest(hidden)) return false;
    const thin = each.matches("td, th") && box.width < 40 && each.innerText.length > 4;
    return thin || box.right > innerWidth + 1;
}).map((each) => each.outerHTML.slice(0, 90)).slice(0, 5)"""
OUR_WORDS = """() => {
    document.querySelectorAll("pre, code, [lang=en]").forEach((each) => each.remove());
    return document.body.innerText;
}"""
# What is Latin on a Chinese page all the same: names of things and people, and what was typed.
NAMES = re.compile(
    r"Wardline|English|CSV|XLSX|JSON|WAV|MP3|OGG|HIS/H|ISO|BIG5|ADT\S*|MSH\S*|AIL\S*|ICU\S*|PV1\S*|PID|EVN|RDE|RGV|RAS|DFT|BAR|ORM|OMG|SIU|UTF-8|utf-8|GB\w+|UNICODE"
    r"|\b(?:HL7|HTTP|ORU\^R40|IHE ACM|CA|MLLP|OpenAPI|Idempotency-Key|Content-Type)\b"
    r"|\b(?:PDF|Prometheus|GET|metrics|Authorization|Bearer|GB)\b"
    r"|\b(?:MSH-18|CR|AA|AE|AR)\b"
    r"|[35]-(?:box|station)|http-404|wang\.li|counter|\bMB\b|\bms\b|\bmL\b"
    r"|\b(?:Li|Wang|Zhao|Zhang|Qian|Sun|Chen|Admin)\b|\b(?:nurses|icu|city|world|internal|main|fees|visitors)\b|\w*NX{3,}"
    r"|[a-z]+/[\w./-]+",
    re.IGNORECASE,
)


def watch(context: BrowserContext) -> None:
    """To be called before its pages are opened."""
    context.add_init_script(AXE_SCRIPT)


def shut_out(page: Page) -> list[str]:
    """What axe finds, as its rule and the first elements. The context is one of `watch`."""
    page.evaluate(ALIKE)
    found: list[str] = page.evaluate(VIOLATIONS, AXE)
    return found


def outside(page: Page) -> list[str]:
    """What cannot be read at the width that the page has now."""
    found: list[str] = page.evaluate(OUTSIDE)
    return [f"outside: {each}" for each in found]


def not_chinese(page: Page) -> list[str]:
    """Latin words on a Chinese page; what a device or program said stands as it is, marked so."""
    words = re.findall(r"[A-Za-z]{2,}", NAMES.sub("", page.evaluate(OUR_WORDS)))
    return [f"not Chinese: {each}" for each in words]
