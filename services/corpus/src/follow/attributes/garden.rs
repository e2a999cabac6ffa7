//! Attributes: plants, garden tools, paint, hardware.

use super::Attribute;

pub(super) const ATTRIBUTES: &[Attribute] = &[
    (
        "growing_height|mature_height",
        "how tall $does [a:grow]?|how high will $it [a:grow]?|what is the [a:growing height]$of?|\
         how big will $it [a:grow]?|will $it block my window, how [a:tall] in the end?|\
         $does stay [a:small]?|how fast $does [a:grow]?|[a:dwarf] or full size?|\
         ultimate [a:height]?|could i keep it in a pot or does it get too [a:big]?|[a:spread]?",
        "$n cm|$d m",
    ),
    (
        "flowering_time|flowering|bloom",
        "when $does [a:flower]?|when $does [a:bloom]?|what is the [a:flowering time]$of?|\
         when will $it [a:blossom]?|$does [a:flower] in the first year?|\
         what colour are the [a:flowers]?|\
         something for when nothing else is out. when's it in [a:bloom]?|\
         [a:flowers every year] or only once?|do i see anything in [a:spring]?|\
         is it an [a:annual]?",
        "May to July|spring|June",
    ),
    (
        "sowing|sowing_time|planting",
        "when do i [a:sow] $obj?|when should i [a:plant] $obj?|when is the [a:sowing time]?|\
         how deep do i [a:plant] $obj?|how far apart do i [a:plant] $obj?|\
         too late to [a:plant] now?|can i start it [a:indoors]?|\
         straight in the ground or [a:sow] in trays?|how much [a:spacing]?|\
         is october ok to [a:plant] it|how many [a:seeds] are there|what [a:soil] $does want?",
        "March to May|$d cm deep|autumn",
    ),
    (
        "light|position|sunlight",
        "$does need full [a:sun]?|how much [a:light] $does need?|can $it grow in the [a:shade]?|\
         what [a:position] $does like?|my balcony faces [a:north], any hope?|\
         bathroom has no window, would $it get enough [a:light]?|\
         full [a:sun all day] on our terrace, too much?|[a:shade] or sun?|\
         can $it sit on a [a:windowsill]?|would $it [a:scorch]?",
        "full sun|half shade|bright",
    ),
    (
        "watering|water",
        "how often do i [a:water] $obj?|how much [a:water] $does need?|\
         $does need a lot of [a:watering]?|when do i [a:water] $obj?|\
         i always kill plants, how often $does want [a:water]?|\
         we're away three weeks in august. $does survive without [a:watering]?|\
         [a:drought tolerant]?|once a week [a:watering enough]?|$does like wet [a:feet]?|\
         $does like [a:humidity]?",
        "weekly|every $d days",
    ),
    (
        "hardy|hardiness",
        "$is [a:hardy]?|$does survive [a:frost]?|$is [a:frost proof]?|\
         can $it stay [a:outside] in winter?|would it make it through a [a:highland winter]?|\
         bring it in for [a:winter] or leave it?|[a:frost kills mine every year]. this one?|\
         how low can [a:temperatures go] for it|[a:evergreen]?|$does [a:die back]?",
        "to -$d C|yes|no",
    ),
    (
        "pot_size|pot",
        "what [a:pot] $does come in?|how big is the [a:pot]?|what is the [a:pot size]$of?|\
         is the [a:pot included]?|$does come in a [a:pot] or bare root?|what [a:litre pot]?|\
         how big is it when it [a:arrives]?|do i have to [a:repot] it?|plastic [a:pot]?",
        "$n cm|$d l",
    ),
    (
        "drainage",
        "$does have [a:drainage holes]?|is there a [a:hole] in the bottom?|\
         how is the [a:drainage]?|$does have [a:drainage]?|\
         my last ones drowned. any [a:holes] in it?|does water run out the [a:bottom]?|\
         is there a [a:saucer]?|can i drill a [a:hole] in it?|\
         $does need [a:gravel] at the bottom",
        "yes|no|one hole",
    ),
    (
        "nozzle|spray",
        "what [a:nozzle] $does have?|$does come with a [a:nozzle]?|\
         how many [a:spray patterns] $does have?|is the [a:nozzle included]?|\
         what's the [a:spray] like?|gentle enough for seedlings, the [a:spray]?|\
         jet and [a:mist]?|does the [a:nozzle clog]?|[a:hozelock fitting]?|\
         how many different [a:nozzles]?|$does have a fine [a:rose]?",
        "brass|$d patterns|included",
    ),
    (
        "hose_length",
        "how long is the [a:hose]?|what is the [a:hose length]$of?|\
         what [a:hose] $does come with?|does the [a:hose reach far]?|\
         my garden is 30 m. is the [a:hose long enough]?|does the [a:hose kink]?|\
         reel with how many metres of [a:hose]?|do i need another [a:hose]?|[a:hose length] pls",
        "$n m|$d m",
    ),
    (
        "cutting_width|cutting_height",
        "what is the [a:cutting width]$of?|how wide $does [a:cut]?|how low can $it [a:cut]?|\
         how thick a branch can $it [a:cut]?|i've half an acre. how wide a [a:strip] $does do?|\
         can $it go through a 4 cm [a:branch]?|would $it [a:cut long wet grass]?|\
         [a:edges close] to the wall?|can you set the [a:cutting height]?|$does [a:mulch]?",
        "$n cm|$n mm",
    ),
    (
        "coverage|area",
        "how big an [a:area] $does cover?|how much $does [a:cover]?|what is the [a:coverage]$of?|\
         how many [a:square metres] $does do?|how far does a tin [a:go]?|\
         one tin for a small bedroom? [a:coverage]?|how many tins for [a:twelve square metres]?|\
         is one enough for the whole [a:fence]?|two [a:coats] or one?|\
         how far $does [a:stretch], a shed's worth?|will one do my [a:lounge]?",
        "$n m2|$n square metres",
    ),
    (
        "drying_time",
        "how long $does take to [a:dry]?|what is the [a:drying time]$of?|how fast $does [a:dry]?|\
         $does [a:dry quickly]?|can we use the room the same day, how long to [a:dry]?|\
         when can i put a second [a:coat]?|$does [a:dry clear]?|\
         rain at four, will $it be [a:dry]?|$is touch [a:dry] in an hour?|\
         dries overnight on a [a:radiator]?",
        "$d hours|$n minutes",
    ),
    (
        "blade_material|tine",
        "will $it [a:bend] in clay?|are the [a:prongs strong]?|stainless or [a:carbon steel]?|\
         we have stony ground. would $it [a:snap]?|forged or [a:pressed]?",
        "$m|steel|carbon steel",
    ),
    (
        "soil_type|compost",
        "will $it live in [a:clay]?|our ground is chalk, $does mind the [a:soil]?|\
         which [a:compost] do i use?|[a:acid soil]?|needs [a:feeding]?|[a:peat free]?",
        "any|ericaceous|well drained",
    ),
    (
        "harvest|yield",
        "how much [a:fruit] $does give?|when can i [a:pick]?|can you [a:eat] it?|\
         $does [a:fruit] in the first year|one plant feed a family, what [a:yield]?|\
         [a:self fertile]?",
        "$n kg|July|autumn",
    ),
    (
        "pruning|maintenance",
        "is it a lot of [a:work]?|do i have to [a:prune]?|when do i [a:cut back]?|\
         leave it alone or [a:trim]?|[a:low maintenance]?",
        "yearly|none|after flowering",
    ),
    (
        "toxicity|poisonous",
        "my cat chews leaves. [a:poisonous]?|[a:toxic]?|is the [a:sap bad] for skin|\
         safe near [a:horses]?|a toddler ate one, just asking, $is [a:poisonous]?",
        "none|to cats|yes",
    ),
    (
        "pests|disease_resistance",
        "do [a:slugs eat] it?|[a:blight]?|$does get [a:greenfly]?|\
         will [a:rabbits leave] it alone?|good for [a:bees]?",
        "resistant|slugs|good",
    ),
    (
        "drill_depth|bit_length",
        "goes through a 30 cm [a:wall]?|how deep can $it [a:drill]?|[a:masonry]?|\
         ok for [a:tile]?|[a:hardened steel]?",
        "$n mm|$n cm",
    ),
    (
        "tpi|tooth_count",
        "fine or coarse [a:teeth]?|[a:tpi]?|rips or leaves a clean [a:cut]?|\
         $does cut [a:plastic pipe]?|pull or push [a:saw]?",
        "$n|$d per inch",
    ),
    (
        "thread|thread_size",
        "what [a:thread]?|metric or [a:imperial]?|half inch [a:bsp]?|\
         will $it screw on my [a:tap]?|[a:m8]?|do the [a:bolts come] in the bag",
        "M$d|G1/2",
    ),
    (
        "head_type|drive",
        "phillips or [a:pozi]?|what [a:screwdriver] do i need?|[a:torx]?|\
         [a:allen key] or spanner|does the [a:head strip]",
        "Torx|Pozi $d|hex",
    ),
    (
        "dust|dust_extraction",
        "makes a lot of [a:dust]?|can i hook up my [a:hoover]?|[a:dust bag]?|\
         wife will kill me. any [a:dust extraction]?|do i need a [a:mask]?",
        "bag|port, $n mm|none",
    ),
    (
        "paint_base|solvent",
        "[a:water based]?|$does [a:stink] the house out?|brush or [a:roller]?|\
         clean up with water or [a:white spirit]?|over old [a:gloss]?|[a:voc]?|\
         can you [a:tint] it?",
        "water|oil|solvent free",
    ),
    (
        "adhesive|adhesion",
        "will $it [a:stick] on brick?|comes off without marks, the [a:adhesive]?|\
         what [a:glue] is on it?|$does [a:peel]?|sticks in the [a:cold]?",
        "strong|removable|3M",
    ),
    (
        "vibration",
        "i've white finger. how bad is the [a:vibration]?|[a:anti-vibration]?|\
         $does [a:shake] a lot?|numb hands after ten minutes with mine, $does [a:vibrate]?|\
         [a:vibration level]?",
        "$d m/s2|low",
    ),
];
