//! Attributes: pots, cutlery, flasks.

use super::Attribute;

pub(super) const ATTRIBUTES: &[Attribute] = &[
    (
        "capacity|volume",
        "how much $does [a:hold]?|how much water $does [a:hold]?|what is the [a:capacity]$of?|\
         how many [a:litres] $is?|what [a:volume] $does have?|how much can $it [a:hold]?|\
         how many [a:litres] does that take?|\
         there's eight of us at sunday lunch, is the [a:capacity] up to it?|\
         could i get a week's shopping in, i.e. what's the [a:capacity]?|\
         how many pints $does [a:hold]?|how many [a:gallons]?|will $it [a:hold] a whole chicken?|\
         a bottle of wine, $does [a:fit] in?|[a:litres]?|\
         if i fill it to the brim, what [a:volume] is that|\
         how many cups of tea can i get out of it, what [a:capacity]?",
        "$d l|$n ml|$d.5 litres",
    ),
    (
        "dishwasher_safe",
        "$is [a:dishwasher safe]?|can $it go in the [a:dishwasher]?|is the [a:dishwasher] ok?|\
         $is safe in the [a:dishwasher]?|i hate washing up. [a:dishwasher]?|\
         i'm lazy so $does survive the [a:dishwasher]?|[a:dishwasher proof]?|\
         hand wash only or [a:dishwasher]?|\
         last set lost its pattern in the [a:dishwasher], would this?|\
         top rack of the [a:dishwasher alright]?",
        "yes|no|top rack only",
    ),
    (
        "oven_safe",
        "$is [a:oven safe]?|can $it go in the [a:oven]?|can i put it in the [a:oven]?|\
         what [a:oven temperature] can it take?|\
         start it on the hob, finish in the [a:oven], would that work?|\
         what's the hottest [a:oven] it will take?|does the lid go in the [a:oven] as well?|\
         at 220 in the [a:oven nothing melts]?|ok under the [a:grill]?|[a:ovenproof]?",
        "yes|no|up to $n C",
    ),
    (
        "microwave_safe",
        "$is [a:microwave safe]?|can $it go in the [a:microwave]?|\
         is that ok in the [a:microwave]?|can i [a:microwave] $obj?|\
         i heat my lunch at work. [a:microwave]?|$isnt going to spark in the [a:microwave]?|\
         [a:microwaveable]?|would the gold rim be a problem in the [a:microwave]?|\
         ok to warm milk in it in the [a:microwave]?",
        "yes|no|without the lid",
    ),
    (
        "freezer_safe",
        "$is [a:freezer safe]?|can i put it in the [a:freezer]?|can $it be [a:frozen]?|\
         batch cooking here, $does [a:freeze]?|\
         straight from [a:freezer] to oven, would $it crack?|\
         can i stick it in the [a:freezer overnight]?|[a:freezer proof]?|\
         i make ice lollies, will $it be ok in the [a:freezer]?",
        "yes|no",
    ),
    (
        "hob_types|hobs|induction",
        "$does work on [a:induction]?|which [a:hobs] $does work on?|\
         $is ok for an [a:induction hob]?|can i use it on [a:gas]?|what [a:hobs] $is for?|\
         $is suitable for [a:induction]?|we've just had an [a:induction hob put] in. any good?|\
         got one of those flat glass [a:cooktops], $is ok on that?|\
         does a [a:magnet stick] to the bottom?|would $it scratch a [a:ceramic hob]?|\
         i still cook on [a:gas], fine?|[a:induction compatible]?|$does work on an [a:aga]?|\
         ok over a [a:campfire]?",
        "gas, electric, induction|all but induction|yes|no",
    ),
    (
        "keeps_hot|hot_for",
        "how long $does [a:keep tea hot]?|how long $does keep drinks [a:hot]?|\
         how many hours $does stay [a:hot]?|will my coffee stay [a:hot]?|\
         how long will $it keep coffee [a:warm]?|if i fill it at 6 am is my tea [a:hot] at noon?|\
         out on site all day. $does stay [a:hot]?|\
         coffee goes cold in my current one by ten. how many hours [a:hot]?|keeps [a:soup hot]?|\
         how good $is at keeping stuff [a:warm]",
        "$n hours|$d h",
    ),
    (
        "keeps_cold|cold_for",
        "how long $does keep drinks [a:cold]?|how long $does stay [a:cold]?|\
         $does keep water [a:cold]?|how many hours will $it keep things [a:cool]?|\
         ice still there after [a:hours at the beach]?|will the beers be [a:cold] at teatime?|\
         how long before the [a:ice melts]?|insulin has to stay [a:cold], how many hours?|\
         ok for keeping milk [a:chilled]?|in 35 degrees $does stay [a:cold]?",
        "$n hours|$d h",
    ),
    (
        "leakproof|lid|leak_proof",
        "$is [a:leakproof]?|does the [a:lid leak]?|can $it [a:leak] in my bag?|$does [a:leak]?|\
         what's the [a:lid] like?|does the [a:lid close tight]?|$does have a [a:lid]?|\
         i chuck it in my bag with the laptop. [a:leakproof]?|\
         what if it tips over, does it [a:spill]?|kids shake everything. $does [a:drip]?|\
         is the [a:seal] any good?|would $it [a:leak upside down]?|[a:spill proof]?|\
         does the [a:lid come off] for cleaning?",
        "yes|no|screw lid|push button",
    ),
    (
        "spout",
        "$does have a [a:spout]?|does the [a:spout drip]?|what [a:spout] $does have?|\
         how $does [a:pour]?|$does dribble when you [a:pour]?|[a:straw] or spout?|\
         is it a nice thin [a:spout] for pour over coffee?|can you replace the [a:straw]?|\
         mess free [a:pouring]?",
        "gooseneck|straw|none",
    ),
    (
        "bpa",
        "$is [a:bpa free]?|$does contain [a:bpa]?|is there any [a:bpa] in it?|\
         is the plastic without [a:bpa]?|it's for a baby so no nasty [a:chemicals] i hope?|\
         [a:bisphenol]?|[a:phthalates]?|is the plastic [a:food safe]?|any [a:toxic stuff] in it|\
         do i need to worry about [a:microplastics]?",
        "none|no BPA",
    ),
    (
        "blade_length|blade",
        "how long is the [a:blade]?|what is the [a:blade length]$of?|what [a:steel] $is?|\
         what's the [a:blade made] of?|how [a:sharp] $is?|$does have a serrated [a:blade]?|\
         will $it stay [a:sharp]?|can i [a:sharpen] it myself?|\
         legal to carry? so how long is the [a:blade]?|does the [a:blade rust]?|\
         [a:carbon steel]?|is the [a:blade full tang]?|can i get new [a:blades] for it",
        "$n cm|stainless steel|$n mm",
    ),
    (
        "handle|handles",
        "what is the [a:handle made] of?|does the [a:handle] get hot?|$does have a [a:handle]?|\
         what's the [a:handle] like?|is the [a:handle removable]?|how long is the [a:handle]?|\
         i have arthritis, is the [a:handle easy] to hold?|\
         will i burn my hand on the [a:handle]?|[a:left handed]?|is the [a:grip soft]?|\
         does the [a:handle fold down]?|two [a:handles] or one?|\
         last one the [a:handle came off], is this riveted?",
        "$m|stays cool|$n cm",
    ),
    (
        "coating",
        "what [a:coating] $does have?|$is [a:non stick]?|what's the [a:coating]$of?|\
         is there [a:teflon] in it?|$does have a [a:non-stick coating]?|\
         eggs stick in mine. $is [a:non-stick]?|does the [a:coating flake]?|[a:pfas free]?|\
         can i use metal spoons or will $it scratch the [a:coating]?|has it been [a:seasoned]?|\
         [a:enamel]?",
        "ceramic|none|non-stick",
    ),
    (
        "slots",
        "how many [a:slots] $does have?|how many [a:slices] can $it toast?|\
         how wide are the [a:slots]?|$is a four [a:slot]?|will a [a:bagel fit]?|\
         thick doorstep slices, are the [a:slots wide]?|2 or 4 [a:slice]?|\
         crumpets get stuck in mine, how wide are the [a:slots]?|can i do one [a:slot only]",
        "$d|two|four, wide",
    ),
];
