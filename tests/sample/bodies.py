"""How each layout writes the text itself: paragraphs, breaks, table rows, posts, figures or nested divs."""

from __future__ import annotations

from html import escape

from page import Block, Page, number

NICKNAMES = ("mortise", "pine_cone", "Kettle9", "north_gable", "s.weaver", "two-left-thumbs")


def inline(text: str) -> str:
    """Escape text for use between tags."""
    return escape(text, quote=False)


def basic(block: Block, paragraph: str = "<p>{}</p>", code: str = "<pre><code>{}</code></pre>") -> str:
    """A block in today's plain HTML; the formats wrap the escaped text of a paragraph and of code."""
    text = inline(block.text)
    if block.kind == "heading":
        return f"<h2>{text}</h2>"
    if block.kind == "list":
        return "<ul>\n" + "\n".join(f"<li>{inline(item)}</li>" for item in block.lines) + "\n</ul>"
    return (code if block.kind == "code" else paragraph).format(text)


def plain(page: Page) -> str:
    """One element per block and nothing between them."""
    return "\n".join(basic(block) for block in page.blocks)


def news(page: Page) -> str:
    """A lead paragraph, a figure, an advertisement slot and a box with a link inside the story."""
    parts = [basic(block) for block in page.blocks]
    parts[0] = basic(page.blocks[0], '<p class="lead"><strong>{}</strong></p>')
    parts.insert(1, f'<figure><img src="/img/{page.id}.jpg" alt="" width="960" height="540"></figure>')
    parts.insert(
        3, f'<div class="ad-slot" aria-hidden="true"><span>{inline(page.words["advert"])}</span></div>'
    )
    if page.related:
        title, url = page.related[-1]
        box = f'<div class="inline-related"><a href="{escape(url)}">{inline(title)}</a></div>'
        parts.insert(-1, box)
    return "\n".join(parts)


def blog(page: Page) -> str:
    """Paragraphs in the editor's habit, with an image after the first and sharing buttons at the end."""
    parts = [basic(block) for block in page.blocks]
    image = f'<figure class="wp-block-image"><img src="/wp-content/uploads/{page.slug}.jpg" alt=""/></figure>'
    parts.insert(1, image)
    share = inline(page.words["share"])
    parts.append(
        f'<div class="sharedaddy"><h3>{share}</h3><ul><li><a href="?share=mail">{share}</a></li></ul></div>'
    )
    return "\n".join(parts)


def forum(page: Page) -> str:
    """One table per post, one post per paragraph, the poster in a column of its own."""
    start = number(page.slug, len(NICKNAMES))
    posts = []
    for index, block in enumerate(page.blocks):
        asking = index in (0, len(page.blocks) - 1)
        name = page.author if asking else NICKNAMES[(start + index) % len(NICKNAMES)]
        posts.append(
            f'<table class="tablebg" width="100%" cellspacing="1"><tr class="row1"><td width="150" valign="top">'
            f'<b class="postauthor">{inline(name)}</b><br /><span class="postdetails">'
            f"{inline(page.words['members'])}<br />{number(name, 900)}</span></td>"
            f'<td valign="top"><div class="gensmall">{page.date}, 1{index}:{number(block.text, 50) + 10}</div>'
            f'<div class="postbody">{inline(block.text)}</div>'
            f'<div class="gensmall"><a href="./posting.php?mode=quote">{inline(page.words["reply"])}</a></div>'
            f"</td></tr></table>"
        )
    return "\n".join(posts)


def shop(page: Page) -> str:
    """The text as a description written in the shop's editor, every paragraph a span in a paragraph."""
    return "\n".join(basic(block, '<p><span style="font-weight:400">{}</span></p>') for block in page.blocks)


def docs(page: Page) -> str:
    """Sections of a manual: highlighted code and an admonition after the first paragraph."""
    code = '<div class="highlight-default notranslate"><div class="highlight"><pre><span></span>{}\n</pre></div></div>'
    parts = [basic(block, code=code) for block in page.blocks]
    note = f'<div class="admonition note"><p class="admonition-title">{inline(page.words["edit"])}</p></div>'
    return "\n".join([*parts[:1], note, *parts[1:]])


def recipe(page: Page) -> str:
    """Lists become ingredients; the paragraphs after the last list become the numbered steps of the method."""
    last_list = max((i for i, block in enumerate(page.blocks) if block.kind == "list"), default=-1)
    parts = []
    for index, block in enumerate(page.blocks):
        step = index > last_list and block.kind == "paragraph"
        parts.append(f"<li>{basic(block)}</li>" if step else basic(block))
    first = next(index for index, part in enumerate(parts) if part.startswith("<li>"))
    parts.insert(first, '<ol id="method" itemprop="recipeInstructions">')
    return "\n".join([*parts, "</ol>"])


def gallery(page: Page) -> str:
    """Every paragraph is the caption of a picture."""
    return "\n".join(
        f'<figure id="{index}"><img src="/full/{page.slug}-{index}.jpg" alt="" loading="lazy">'
        f"<figcaption>{basic(block)}</figcaption></figure>"
        for index, block in enumerate(page.blocks, 1)
    )


def magazine(page: Page) -> str:
    """Text with line breaks in a table cell, as pages were written in the nineties."""
    parts = []
    for block in page.blocks:
        if block.kind == "heading":
            parts.append(f"<B>{inline(block.text)}</B><BR>")
        elif block.kind == "list":
            parts.append("<UL>" + "".join(f"<LI>{inline(item)}" for item in block.lines) + "</UL>")
        else:
            parts.append(f"{inline(block.text)}<BR><BR>")
    return "\n".join(parts)


def soup(page: Page) -> str:
    """Nested divs without one meaningful tag; list items and code lines are divs as well."""
    parts = []
    for block in page.blocks:
        inner = "".join(
            f'<div class="css-p2"><span data-text="true">{inline(line)}</span></div>' for line in block.lines
        )
        parts.append(f'<div class="css-p0"><div class="css-p1">{inner}</div></div>')
    return "".join(parts)


def homepage(page: Page) -> str:
    """Paragraphs that are opened and never closed."""
    parts = []
    for block in page.blocks:
        if block.kind == "code":
            parts.append(f"<pre>\n{inline(block.text)}\n</pre>")
        elif block.kind == "list":
            parts.append("<ul>" + "".join(f"\n<li>{inline(item)}" for item in block.lines) + "\n</ul>")
        else:
            parts.append(("<h3>{}</h3>" if block.kind == "heading" else "<p>\n{}").format(inline(block.text)))
    return "\n".join(parts)


def qa(page: Page) -> str:
    """The first paragraph is the question, each of the others an answer with votes."""
    question, *answers = page.blocks
    parts = [f'<div class="question"><div class="votes">{number(page.slug, 40)}</div>{basic(question)}</div>']
    for index, block in enumerate(answers):
        parts.append(
            f'<div class="answer" id="a{index}"><div class="votecell"><button>▲</button><span>'
            f'{number(block.text, 25)}</span><button>▼</button></div><div class="post-text">{basic(block)}</div>'
            f'<div class="user-info">{page.date} <a href="/users/{index}">{NICKNAMES[index % 6]}</a></div></div>'
        )
    return "\n".join(parts)


def newsletter(page: Page) -> str:
    """One table row per block, every style inline."""
    style = "padding:0 20px 14px 20px;font-family:Arial,sans-serif;font-size:15px;line-height:1.5"
    rows = []
    for block in page.blocks:
        inner = "<br />".join(inline(line) for line in block.lines)
        inner = f"<b>{inner}</b>" if block.kind == "heading" else inner
        rows.append(f'<tr><td style="{style}">{inner}</td></tr>')
    return "\n".join(rows)


def wiki(page: Page) -> str:
    """Encyclopaedia habits: edit links beside a heading and footnote marks that lead nowhere."""
    parts = [basic(block) for block in page.blocks]
    edit = f'<span class="mw-editsection">[<a href="?action=edit">{inline(page.words["edit"])}</a>]</span>'
    mark = '<sup class="reference"><a href="#cite_note-1">[1]</a></sup></p>'
    parts[0] = parts[0].replace("</p>", mark)
    middle = len(parts) // 2
    heading = f'<h2><span class="mw-headline">{inline(page.site.section)}</span>{edit}</h2>'
    return "\n".join([*parts[:middle], heading, *parts[middle:]])
