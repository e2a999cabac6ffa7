//! Attributes: furniture, textiles, candles.

use super::Attribute;

pub(super) const ATTRIBUTES: &[Attribute] = &[
    (
        "tog",
        "what [a:tog] $is?|what's the [a:tog]$of?|which [a:tog] $does have?|\
         and the [a:tog rating]?|is it a summer or a winter one, which [a:tog]?|\
         i boil at night, is the [a:tog low]?|10.5 [a:tog]?|\
         for a cot in a cold room what [a:tog] is it|4.5 and 9 together, or just one [a:tog]?",
        "$d|$d.5",
    ),
    (
        "thread_count",
        "what is the [a:thread count]$of?|what [a:thread count] $does have?|\
         how many [a:threads] $does have?|and the [a:thread count]?|\
         hotel quality, 400 [a:thread count] or more?|$does have a high [a:thread count]?|\
         [a:tc]?|is 200 the [a:thread count]?|[a:threads per inch]",
        "$n|200",
    ),
    (
        "gsm|fabric_weight",
        "what [a:gsm] $is?|what's the [a:gsm]$of?|how many [a:gsm]?|how [a:thick] is the fabric?|\
         are the towels thick, what [a:gsm]?|is it a heavy cloth, [a:grams per square metre]?|\
         heavyweight tee or thin? [a:gsm]?|[a:fabric weight] pls|\
         how many [a:ounces] is the denim",
        "$n gsm|$n g/m2",
    ),
    (
        "weave|knit",
        "what [a:weave] $is?|how $is [a:woven]?|what kind of [a:knit] $is?|\
         what's the [a:weave] like?|crisp or silky, what [a:weave]?|$is [a:percale]?|\
         will it snag, is it a loose [a:knit]?|[a:cable knit]?|is the [a:weave tight]|\
         hand [a:knitted]?",
        "percale|sateen|twill|rib",
    ),
    (
        "pile",
        "how long is the [a:pile]?|what's the [a:pile] like?|$is [a:fluffy]?|\
         $does have a deep [a:pile]?|would a hoover cope with the [a:pile]?|$does [a:shed]?|\
         [a:shaggy] or flat?|soft under bare feet, how deep is the [a:pile]?|\
         does the [a:pile flatten]",
        "$d mm|short|long",
    ),
    (
        "seat_height",
        "how high is the [a:seat]?|what is the [a:seat height]$of?|and the [a:seat height]?|\
         what [a:seat height] $does have?|my mum has new knees, is the [a:seat high enough]?|\
         would my [a:feet touch] the floor?|breakfast bar is 90 cm. [a:seat height]?|\
         seat to floor, what [a:height]?|$is too [a:low] to get up from?",
        "$n cm",
    ),
    (
        "seats|seating",
        "how many people $does [a:seat]?|how many can [a:sit] at it?|\
         how many [a:seats] $does have?|will four people [a:fit]?|$does [a:seat six]?|\
         eight for christmas dinner, $does [a:seat eight]?|is it a two or three [a:seater]?|\
         can you squeeze [a:six round] it?|enough [a:room] for two adults and a child?|\
         how many [a:bums] can sit on it lol",
        "$d|$d people",
    ),
    (
        "foldable|fold|folded_size",
        "$does [a:fold]?|$is [a:foldable]?|can i [a:fold] $obj?|how big $is when [a:folded]?|\
         does that [a:fold flat]?|what's the [a:folded size]$of?|\
         tiny flat, needs to go [a:flat] against the wall|$does [a:collapse]?|\
         once [a:folded], would $it go behind a door?|can i [a:fold] it with one hand?|\
         [a:stackable]?|goes in the car [a:folded]?|how do you put it away, does it [a:fold]",
        "yes|no|$n x $n cm",
    ),
    (
        "drawers|drawer_count",
        "how many [a:drawers] $does have?|do the [a:drawers close softly]?|\
         are there [a:drawers] in it?|how deep are the [a:drawers]?|do the [a:drawers stick]?|\
         [a:soft close]?|are the [a:drawers full depth]?|somewhere for cutlery, a [a:drawer]?|\
         do the [a:drawers come out fully]|3 or 4 [a:drawers]?",
        "$d|soft close|none",
    ),
    (
        "shelves",
        "how many [a:shelves] $does have?|are the [a:shelves adjustable]?|\
         can i move the [a:shelves]?|how deep are the [a:shelves]?|\
         tall files, can you shift the [a:shelves]?|glass or wood [a:shelves]?|\
         what can one [a:shelf hold]|do the [a:shelves bend]|could i leave out a [a:shelf]?",
        "$d|adjustable|fixed",
    ),
    (
        "adjustable|adjustment",
        "$is [a:adjustable]?|can i [a:adjust] $obj?|can the height be [a:adjusted]?|\
         how $does [a:adjust]?|my husband is much taller than me, can you [a:adjust] it?|\
         $does [a:recline]?|$does [a:tilt]?|will $it grow with the child, i.e. [a:adjustable]?|\
         [a:height adjustable]?|$is easy to [a:lower]",
        "yes|no|$n to $n cm",
    ),
    (
        "assembly",
        "$does need [a:assembly]?|do i have to [a:assemble] $obj?|$does come [a:assembled]?|\
         how hard is the [a:assembly]?|$is easy to [a:put together]?|\
         i'm useless with an allen key. is there [a:assembly]?|\
         comes in one piece or [a:flat pack]?|do you need two people to [a:build] it?|\
         do i need [a:tools]?|[a:self assembly]?|how long to [a:put it together]?|\
         $does come [a:ready made]?|are the [a:instructions] any good",
        "required, $n minutes|none|no tools needed",
    ),
    (
        "finish|surface",
        "what [a:finish] $does have?|$is [a:matt] or glossy?|what is the [a:finish] like?|\
         how is the [a:surface]?|$is [a:varnished]?|shiny or [a:matt]?|\
         would fingerprints show on the [a:finish]?|\
         is the colour as dark as on the photo, which [a:finish]?|does the [a:paint chip]?|\
         can i [a:paint] over it?|raw or [a:treated]?|$is [a:smooth]?|[a:brushed] or polished?",
        "matt|gloss|oiled|lacquered",
    ),
    (
        "firmness",
        "how [a:firm] $is?|$is [a:soft]?|what's the [a:firmness]$of?|how [a:hard] $is?|\
         side sleeper with a bad shoulder. too [a:firm]?|do you sink in or $is [a:hard]?|\
         [a:squishy]?|$does [a:sag after] a while?|my back needs something [a:firm]|\
         medium or [a:soft]",
        "medium|firm|soft",
    ),
    (
        "cover|removable_cover",
        "is the [a:cover removable]?|can i take the [a:cover off]?|does the [a:cover come off]?|\
         can the [a:cover] be washed?|$does come with a [a:cover]?|\
         dog sleeps on everything. do the [a:covers come off]?|is there a [a:zip] on the cover?|\
         can i buy another [a:cover]?|[a:loose covers]?|$does have a [a:rain cover]?|\
         wash the [a:cover] at 60?",
        "removable|zip|not removable",
    ),
    (
        "scent|fragrance",
        "what $does [a:smell] of?|what [a:scent] $is?|$is [a:scented]?|$does [a:smell strong]?|\
         $is [a:perfumed]?|what's the [a:fragrance]$of?|\
         strong smells give me a headache. $is [a:scented]?|$does [a:stink]?|\
         anything like [a:vanilla]?|what $does [a:smell] like|\
         can you [a:smell] it across a room?|for my teenage son, a manly [a:scent]?|\
         [a:fragrance free]?|more floral or more [a:woody]?",
        "$v|unscented|lavender|citrus",
    ),
    (
        "burn_time",
        "how long $does [a:burn]?|what is the [a:burn time]$of?|how many hours $does [a:burn]?|\
         how long will $it [a:burn] for?|one evening or several, how long $does [a:burn]?|\
         $does [a:smoke]?|how many evenings do i get from one, [a:burning 3 hours]?|\
         $does [a:drip]?|[a:burn time] pls|$does go out by itself or [a:burn] right down",
        "$n hours|$n h",
    ),
    (
        "wick|wax",
        "what [a:wax] $is?|what is the [a:wick made] of?|$is real [a:beeswax]?|$is [a:soy]?|\
         [a:paraffin]?|one [a:wick] or three?|is the [a:wick lead free]|$does make [a:soot]?|\
         what [a:wax] did they use|plant [a:wax]?",
        "soy|cotton|beeswax",
    ),
    (
        "rope_length|reach",
        "how long is the [a:rope]?|how far can $it [a:reach]?|what is the [a:reach]$of?|\
         does it [a:reach three metres]?|top shelf is 2.4 m up. $does [a:reach]?|\
         $does stretch as far as the [a:gutter]?|how many metres of [a:rope]?|\
         i am short, can i [a:reach] with it?|[a:extended], how far?",
        "$d m|$n m",
    ),
    (
        "opacity|transparency",
        "$is [a:see through]?|$does block the [a:light]?|$is [a:blackout]?|how [a:opaque] $is?|\
         night shift worker, need total [a:dark]|$does let [a:light through]|\
         can neighbours [a:see] in?|do [a:white] ones show your underwear?|$is [a:sheer]?|\
         thick enough to be [a:blackout]?",
        "blackout|sheer|opaque",
    ),
    (
        "noise_reduction|soundproofing",
        "would $it muffle my son's [a:drums]?|we live on a main road. $does keep [a:noise out]?|\
         any [a:soundproofing]?|$does [a:echo]?|how much [a:sound] $does take away?",
        "$n dB|good|none",
    ),
    (
        "slats|slat_count",
        "are there [a:slats] or do i need a base?|how many [a:slats]?|\
         my last [a:slats broke] on day two. are these stronger?|gap between the [a:slats]?|\
         sprung [a:slats]?",
        "$n|beech|none",
    ),
    (
        "mattress_size|mattress",
        "which [a:mattress goes] on it?|$does take a standard [a:mattress]?|\
         we have a [a:euro mattress], any good?|is the [a:mattress included]|\
         [a:mattress depth]?",
        "90 x 190 cm|king|included",
    ),
    (
        "bed_storage|under_bed_height",
        "what can i stuff [a:underneath]?|\
         my suitcases are 28 cm high, do they go [a:underneath]?|is there any [a:storage] in it?|\
         does the [a:base lift]?|[a:ottoman type] or not?",
        "$n cm|$d drawers|none",
    ),
    (
        "headboard|headboard_height",
        "i like to sit up and read. is there a [a:headboard]?|padded [a:headboard]?|\
         will $it hide the socket, how high is the [a:headboard]?|\
         can i leave the [a:headboard off]?|is the [a:headboard part] of it",
        "$n cm|included|none",
    ),
    (
        "track|rail|hanging",
        "[a:eyelets] or tabs?|what sort of [a:rail] do they need?|\
         can i hang $obj from a [a:track]?|[a:pencil pleat]?|how do you [a:hang] $obj?|\
         is the [a:curtain pole] in with it",
        "eyelet|pencil pleat|pole, not included",
    ),
    (
        "drop|curtain_drop",
        "top to bottom, what's the [a:drop]?|do they reach the [a:floor] from 2.3 m?|\
         can they be [a:taken] up?|90 inch [a:drop]?|sill length or [a:floor length]?",
        "$n cm|228 cm",
    ),
    (
        "sunscreen|shade_factor",
        "how much [a:shade] $does give?|$does [a:tilt] to follow the sun?|\
         would four of us sit in the [a:shade]?|sun goes round at three. still [a:shade]?|\
         does the [a:canopy fade]?",
        "UPF $n|$n%",
    ),
    (
        "base_weight|base",
        "do i have to buy a [a:base]?|what do you fill the [a:base] with?|\
         $does stand up by itself or is there a [a:base]?|\
         how heavy does the [a:base] need to be?|will $it blow over, is the [a:base heavy]?",
        "$n kg|not included|sand or water",
    ),
    (
        "mirror|mirror_type",
        "$does have a [a:mirror]?|[a:magnifying]?|does the [a:mirror steam] up?|\
         is the [a:glass safe] if a child hits it?|[a:light-up mirror]?",
        "LED|plain|none",
    ),
    (
        "rug_backing|backing",
        "$does slide on tiles, what's the [a:backing]?|do i need an [a:underlay]?|\
         safe for [a:underfloor heating]?|[a:backing]?|rubber on the [a:back]?",
        "latex|felt|none",
    ),
    (
        "colourfast|fading",
        "will the [a:colour run]?|does the black [a:fade]?|mine went pink. $is [a:colourfast]?|\
         dye on my white sofa, $does [a:rub off]?|sun on it all day, [a:fading]?",
        "yes|to $n washes|no",
    ),
    (
        "child_lock|child_safety",
        "my toddler gets into everything. [a:child lock]?|[a:childproof]?|\
         is there any way to stop little fingers, a [a:safety catch]?|\
         $does [a:tip] over on a child?|[a:sharp corners]?",
        "yes|no|EN $n",
    ),
    (
        "anti_tip|wall_fixing",
        "must it be screwed to the [a:wall]?|$does come with a [a:wall strap]?|\
         would it [a:topple] if my cat jumps on it|what about [a:tipping]?|\
         $is [a:stable] on carpet?",
        "strap included|required|none",
    ),
];
