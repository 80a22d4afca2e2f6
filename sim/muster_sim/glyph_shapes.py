"""Glyphs of many scripts as shapes to train on, from the fonts that matplotlib carries.

Letters and digits A-Z a-z 0-9 and the named figures are kept for evaluation, and so is every glyph that looks like one
of them (Greek Alpha, Cyrillic Ya, a black disc). Outlines are read in the font's own integer units, without hinting,
so that they do not depend on the version of the font engine.
"""
# ruff: noqa: RUF001 - signs of other scripts are the point here

from functools import cache
from typing import Any

import numpy as np

from muster_core.types import Array, Mask
from muster_sim.rings import fill
from muster_sim.shape_families import SIDE, turning

FACES = ("DejaVuSans-Bold", "DejaVuSerif-Bold", "DejaVuSansMono-Bold", "DejaVuSans-BoldOblique", "DejaVuSans")
"""Files of matplotlib's font folder."""
GLYPHS = (
    "ΨαβζξςψωϏϕϗϙϚϛϞϟϠϡϢϣϦϧϯϰЂЉЊЋЌЍДЖЦЩЪЮджфцщъюђљњѠѡѢѣѤѥѦѧѨѩѪѫѬѮѯѰѱҀҁ҂ҊҍҐґҕҖҗҘҙҚқҠҡҢңҤҥҦҧҨҩҪҫҬҲҳҴҵҶҷҼҽҾҿӁӃӄӅӆӉӊӋ"
    "ӌӍӎӔӕӜӠӶӷӺӻӼӽԴԶԷԸԹԻԽԾՀՁՂՃՄՆՇՊՌՎՐՒՔՖՙ՞դխծձղճնչպվփֆև\u05d0\u05d2\u05dc\u05e2\u05e5\u05e6\u05e9\u0621\u0628"
    "\u062c\u062d\u062e\u0630\u0631\u0632\u0633\u0634\u0635\u0636\u0637\u0638\u0639\u063a\u0641\u0642\u0644\u0645"
    "\u0646\u0648\u0649\u064aაბდკლოპჟრტუფღშწჭჯჰ↔↕↖↗↘↙↚↛↜↝↞↟↠↡↢↣↨↩↪↫↬↭↯↰↱↲↳↴↵↶↷↺↻⇇⇈⇉⇊⇍⇏⇐⇑⇒⇓⇔⇕⇖⇗⇘⇙⇚⇛⇦⇧⇨⇩⇫⇬⇭⇮⇯⇰⇳⇶⇷⇸⇻"
    "⇽⇾⇿∅∈∉∌∑∕∖∗√∝∡∤∦∫∮∯∰∱∲∳∼∽∿≀≁≄≆≇≉≠≢≨≭≮≯≰≱≴≵≸≹⊀⊁⊄⊅⊈⊉⊊⊋⊘⊧⊨⊬⊭⊰⊱⊲⊳⊶⊷⊸⊾⊿⋄⋈⋋⋌⋔⋕⋠⋡⋢⋣⋤⋥⋦⋧⋪⋫⋬⋭⋲⋳⋹⋺⋻□▢▤▥▧▨▫▭▯▱△▵▷▹▻▽▿◁◃"
    "◅◆◇◍◐◑◒◓◔◜◝◞◟◠◡◢◣◤◥◧◨◩◪◫◭◮◯◰◱◲◳◴◵◶◷◸◹◺◻◽◿☇☈☊☋☌☍☐☓☖☘☚☛☡☧☨☩☬☭☮☸☿♀♁♂♃♄♅♆♇♈♉♊♌♍♏♐♓♙♝♠♣♦♪♬♰♼⚑⚒⚖⚢⚣⚤⚥⚦⚨⚩⚭⚮⚯⚲⚳⚴⚵⚷⚸⛀⛁"
    "✂✃✉✎✏✐✑✓✔✕✖✗✘✝✞✠✢✣✥✦✧✮✱✳✵✷✸✹✺✻✼✽✾✿❀❃❄❅❆❇❋❏❐❑❒❧❪❫❬❭❮❯❰❱❲❳❴❵➘➙➚➛➜➝➞➢➣➤➥➦➩➪➫➬➭➮➯➱➲➳➷➸➹➼➽"
)
"""Greek, Cyrillic, Armenian, Hebrew, Arabic and Georgian letters, arrows, mathematical signs, symbols and dingbats that
hold together and are nowhere too thin in one of `FACES`. None resembles what is kept for evaluation: boxed to 24 x 24
pixels, turned by quarters or mirrored, it shares less than 0.75 of its ink with each letter, digit and figure."""
KEPT_BACK = 8
"""Every eighth glyph (by code point) is drawn for held-out shapes only, the rest for training only."""
CURVE_PIECES = 6
"""Straight pieces of each curve of an outline."""
_MOVE, _LINE, _CURVE = 1, 2, 3  # codes of matplotlib's paths


def glyph(generator: np.random.Generator, held_out: bool) -> Mask:
    """A glyph of a random face, as it is or turned and stretched; without ink where the face lacks it."""
    signs = [sign for sign in GLYPHS if (ord(sign) % KEPT_BACK == 0) == held_out]
    rings = glyph_rings(signs[int(generator.integers(len(signs)))], FACES[int(generator.integers(len(FACES)))])
    if not rings:
        return np.zeros((1, 1), dtype=bool)
    upright = generator.random() < 0.4
    turn = np.diag([generator.uniform(0.7, 1.5), 1.0]) if upright else turning(generator)
    return fill([ring @ turn for ring in rings], side=SIDE)


def glyph_rings(sign: str, face: str) -> list[Array]:
    """Closed rings (k, 2) of the outline of ``sign`` in the font ``face`` [font units]; none where it has no glyph."""
    from matplotlib.ft2font import LoadFlags

    font = _font(face)
    if font.get_char_index(ord(sign)) == 0:
        return []
    font.load_char(ord(sign), flags=LoadFlags.NO_SCALE)
    vertices, codes = font.get_path()
    rings: list[list[Array]] = []
    t = (np.arange(1, CURVE_PIECES + 1) / CURVE_PIECES)[:, None]
    k = 0
    while k < len(codes):
        if codes[k] == _MOVE:
            rings.append([vertices[k : k + 1]])
        elif codes[k] == _LINE:
            rings[-1].append(vertices[k : k + 1])
        elif codes[k] == _CURVE:
            start, control, end = rings[-1][-1][-1], vertices[k], vertices[k + 1]
            rings[-1].append((1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end)
            k += 1
        k += 1
    return [np.concatenate(ring) for ring in rings]


@cache
def _font(face: str) -> Any:  # noqa: ANN401 - matplotlib ships no types
    # Imported when the first glyph is drawn: it takes a tenth of a second.
    import matplotlib
    from matplotlib.ft2font import FT2Font

    return FT2Font(f"{matplotlib.get_data_path()}/fonts/ttf/{face}.ttf")
