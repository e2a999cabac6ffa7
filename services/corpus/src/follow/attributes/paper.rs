//! Attributes: books, paper, pens.

use super::Attribute;

pub(super) const ATTRIBUTES: &[Attribute] = &[
    (
        "pages|page_count",
        "how many [a:pages] $does have?|what is the [a:page count]$of?|\
         how thick is the book, how many [a:pages]?|and how many [a:sheets]?|\
         is it a long read, [a:pages]?|$does run a [a:whole year]?|\
         how many [a:leaves] in the pad|can you tear [a:pages out]?|one day to a [a:page]?|\
         [a:page count]?",
        "$n|$n pages",
    ),
    (
        "ruling|ruled",
        "$is [a:ruled]?|$is [a:lined] or plain?|what [a:ruling] $does have?|\
         does it have [a:dotted pages]?|[a:squared paper]?|for maths homework, $is [a:squared]?|\
         blank or with [a:lines]?|narrow or wide [a:ruled]?|[a:margin]?|\
         i draw, so no [a:lines] please?",
        "lined|dotted|plain|squared",
    ),
    (
        "paper|paper_weight",
        "what [a:paper] $is?|how thick is the [a:paper]?|what is the [a:paper weight]$of?|\
         does ink show through the [a:paper]?|is the [a:paper recycled]?|\
         i use a fountain pen. does the [a:paper bleed]?|good for watercolour, the [a:paper]?|\
         [a:glossy paper]?|is the [a:paper yellowish]|[a:acid free]?|smooth or rough [a:paper]?",
        "$n gsm|recycled|acid free",
    ),
    (
        "ink|ink_colour",
        "what [a:ink] $does use?|what colour is the [a:ink]?|does the [a:ink smudge]?|\
         is the [a:ink waterproof]?|which [a:refills] $does take?|\
         i'm left handed, $does [a:smear]?|[a:erasable]?|when it runs dry can i [a:refill] it?|\
         $does write [a:blue] or black|[a:permanent]?|which [a:cartridges fit]|\
         $does [a:wash out] of clothes?",
        "blue|gel|black, quick drying",
    ),
    (
        "nib|tip",
        "what [a:nib] $does have?|how fine is the [a:nib]?|how thick is the [a:tip]?|\
         what is the [a:nib size]$of?|my writing is tiny. is the [a:tip fine]?|[a:0.5] or 0.7?|\
         $does scratch, the [a:nib]?|[a:brush tip]?|can the [a:nib] be swapped|\
         is it a [a:ballpoint]?",
        "0.$d mm|fine|medium",
    ),
    (
        "binding",
        "what [a:binding] $does have?|how $is [a:bound]?|does that lie [a:flat]?|\
         $is a [a:hardcover]?|do the pages fall out, how $is [a:bound]?|\
         can i open it [a:flat] on a desk?|[a:spiral]?|hardback or [a:paperback]?|\
         [a:ring binder]?|does the [a:spine crack]",
        "stitched|spiral|hardback",
    ),
    (
        "language|author",
        "what [a:language] $is in?|who is the [a:author]?|$is in [a:english]?|who [a:wrote] it?|\
         my wife only reads [a:polish], any chance?|is it the original or a [a:translation]?|\
         are the instructions in [a:english]?|what's the [a:story]?|is it the [a:first edition]?|\
         does the keyboard have a [a:german layout]?|who did the [a:illustrations]?",
        "English|French|German",
    ),
    (
        "format|file_format",
        "is there an [a:audiobook]?|[a:kindle]?|do i get a [a:download]?|[a:dvd] or blu-ray|\
         region [a:code]?|large [a:print]?",
        "PDF|ePub|hardback",
    ),
    (
        "envelope|envelopes",
        "do they come with [a:envelopes]?|what [a:envelope] do i need?|peel and [a:seal]?|\
         blank [a:inside]?|what $does [a:say inside]?",
        "included|$n|none",
    ),
    (
        "lead_hardness|grade",
        "hb or [a:2b]?|soft or hard [a:lead]?|does the [a:lead snap]|[a:hardness]?|\
         good for [a:shading]?",
        "HB|$dB|2H",
    ),
    (
        "yield_pages|cartridge",
        "how many [a:pages out] of one?|which [a:printer] $does fit?|\
         is it the [a:original] or a copy|xl or normal [a:cartridge]?|\
         does my printer refuse it, i've a [a:canon]?",
        "$n pages|XL",
    ),
    (
        "laminated|erasable",
        "can you [a:wipe] it?|[a:dry wipe]?|coated so coffee doesn't ruin it, [a:laminated]?|\
         $does [a:tear]?|$is [a:rubbed out]",
        "yes|no",
    ),
];
