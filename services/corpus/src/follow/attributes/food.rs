//! Attributes: food, drink, skin and hair care.

use super::Attribute;

pub(super) const ATTRIBUTES: &[Attribute] = &[
    (
        "ingredients",
        "what are the [a:ingredients]?|$does contain [a:nuts]?|what's [a:inside]?|\
         any [a:allergens] in it?|what [a:ingredients] are in it?|\
         my son has a peanut allergy. [a:nuts]?|$does have [a:palm oil]?|[a:gluten free]?|\
         any [a:sugar] in it?|$does contain [a:alcohol]?|$does have [a:parabens]?|\
         i'm coeliac, is there [a:wheat] in it?|list of [a:ingredients] pls|\
         has it got [a:dairy] in|any [a:e numbers]?|$is [a:halal]?",
        "sugar, $m, salt|no nuts|plant based",
    ),
    (
        "vegan",
        "$is [a:vegan]?|are there [a:animal products] in it?|$is suitable for [a:vegans]?|\
         $is [a:cruelty free]?|does anything in it come from an [a:animal]?|\
         daughter went plant based, $is [a:vegan]?|is there [a:gelatine] in it?|\
         no [a:beeswax] i hope?|tested on [a:animals]?|is the glue [a:vegan] as well|\
         would a [a:vegetarian] be ok with it?",
        "yes|no",
    ),
    (
        "spf|sun_protection",
        "what [a:spf] $is?|$does have an [a:spf]?|how high is the [a:sun protection]?|\
         what's the [a:factor]$of?|i'm very fair. [a:factor]?|30 or 50 [a:spf]?|\
         do i still need [a:sunscreen] with it?|[a:sun factor] ?|$does come off in [a:water]?|\
         [a:uva] too?",
        "$n|50",
    ),
    (
        "skin_type|skin",
        "what [a:skin] $is for?|$is ok for [a:sensitive skin]?|which [a:skin type] $is for?|\
         can i use it on [a:dry skin]?|$is suitable for my [a:skin]?|\
         i break out from everything. [a:sensitive skin]?|i have [a:rosacea], safe?|\
         would $it suit [a:oily skin]?|[a:eczema]?|my skin is so [a:dry] in winter. any use?|\
         good for [a:mature skin]?|ok on a [a:baby's bottom]?|will $it [a:sting]?",
        "all|dry|sensitive|oily",
    ),
    (
        "hair_type",
        "what [a:hair] $is for?|$is good for [a:curly hair]?|which [a:hair type] $is for?|\
         can i use it on [a:dyed hair]?|my hair is like [a:straw], any use?|\
         $does work on [a:afro hair]?|[a:greasy hair]?|would $it strip my [a:colour]?|\
         thin [a:hair], does it weigh it down?|[a:extensions] ok?",
        "all|dry|curly|fine",
    ),
    (
        "shelf_life|expiry",
        "how long $does [a:keep]?|when $does [a:expire]?|what is the [a:shelf life]$of?|\
         what's the [a:best before date]?|how long will $it stay [a:fresh]?|\
         if i buy ten, do they [a:keep]?|once [a:opened], how long?|\
         is there a date on it, when's [a:expiry]?|$does go [a:off]?|\
         i only use it once a month. [a:shelf life]?|$does need to be in the [a:fridge]?|\
         [a:bbe]?",
        "$n months|$d years|$n days",
    ),
    (
        "usage|application|directions",
        "how do i [a:use] $obj?|how often should i [a:use] $obj?|how do i [a:apply] $obj?|\
         are there [a:directions] for it?|do i put it on before or after [a:makeup]?|\
         how much do you [a:put] on?|wet hair or dry, how $is [a:used]?|\
         morning or evening [a:use]?|$does come with a [a:manual]?|\
         i've never had one of these, how $does [a:work]?|three times a [a:day] too much?|\
         dilute it or [a:neat]?",
        "twice a day|apply thinly|leave for $d minutes",
    ),
    (
        "caffeine|strength",
        "how [a:strong] $is?|how much [a:caffeine] is in it?|$is [a:decaf]?|\
         what's the [a:strength]$of?|can i drink it at night or is there [a:caffeine]?|\
         doctor said no [a:caffeine]|$is [a:mild]?|number on the [a:strength scale]?|\
         $does kick, how [a:strong]?|[a:decaffeinated]?|[a:alcohol content]?",
        "$d|$n mg|none",
    ),
    (
        "flavour|taste",
        "what $does [a:taste] like?|what [a:flavour] $is?|$is [a:sweet]?|\
         what are the [a:flavours]?|$is very [a:spicy]?|what's it [a:taste] of|\
         will a fussy eater like the [a:taste]?|[a:bitter]?|[a:salted] or not?|milk or [a:dark]?|\
         $does have an [a:aftertaste]?",
        "$v|sweet|mild",
    ),
    (
        "servings|portions",
        "how many [a:servings] $is?|how many people $does [a:feed]?|\
         how many [a:cups] $does make?|how many [a:portions] are in it?|\
         would one do for [a:six people]?|how many [a:cups] do i get from a bag|\
         twelve coming to tea, enough [a:slices]?|how many [a:doses]?|[a:servings per tub]?|\
         one per person or to [a:share]?|what's a [a:portion]?",
        "$d|$n cups",
    ),
    (
        "spf_reapply|water_resistant_time",
        "how often do i [a:reapply]?|$does last through [a:swimming]?|[a:sweat proof]?|\
         $does come off on a [a:towel]?|how long before i put on more [a:sunscreen]?",
        "$n minutes|2 hours",
    ),
    (
        "shade|tone|undertone",
        "i'm quite pale. is the [a:shade orange]?|warm or cool [a:undertone]?|\
         what's the nearest to [a:beige]?|would $it suit [a:dark skin]?|\
         [a:shade] on the photo looks different|$does [a:oxidise]?",
        "warm|cool|$n",
    ),
    (
        "finish_type|texture",
        "[a:greasy] or not?|$does leave a [a:white cast]?|thick or runny, the [a:texture]?|\
         is it a [a:gel] or cream|feels [a:sticky]?|[a:shimmer]?",
        "matte|dewy|gel",
    ),
    (
        "ph|acid_content",
        "what [a:ph]?|how many percent [a:acid]?|is there [a:retinol] in it?|\
         pregnant so no [a:retinol]|[a:niacinamide]?|too harsh with [a:vitamin c]?",
        "$d.5|$d%",
    ),
    (
        "hold|hold_level",
        "will $it last at a [a:wedding]?|crispy or natural [a:hold]?|how strong is the [a:hold]?|\
         washes [a:out] with shampoo?|$does go [a:white] in black hair?",
        "$d|strong|light",
    ),
    (
        "salt|sodium",
        "doctor says less [a:salt]. how much?|is there [a:salt added]?|[a:sodium]?|\
         low in [a:salt]?|too salty for a [a:baby]?",
        "0.$d g|low",
    ),
    (
        "calories|energy_content",
        "how many [a:calories]?|on a diet, $is [a:fattening]?|[a:kcal per 100]?|\
         what are the [a:macros]?|[a:protein]?|[a:carbs], i'm diabetic?|\
         how much [a:sugar per portion]",
        "$n kcal|$n kJ",
    ),
    (
        "roast|roast_level",
        "dark or [a:light roast]?|when was it [a:roasted]?|for espresso is the [a:roast] ok?|\
         burnt tasting or nice, what [a:roast]?|[a:single origin]?",
        "medium|dark|light",
    ),
    (
        "grape|vintage",
        "what [a:year]?|[a:dry] or sweet?|which [a:grape]?|goes with [a:fish]?|\
         [a:corked] or screw top|can you lay it down, does it [a:age]?",
        "20$d5|Merlot|2021",
    ),
    (
        "brewing|steeping",
        "how long in the [a:water]?|[a:cold brew possible] with it|do i put [a:milk] in?|\
         one bag for a [a:pot]?|how many [a:spoons per cup]?",
        "$d minutes|$n C",
    ),
    (
        "storage_conditions|storing",
        "where do i [a:keep] it|must it stay in the [a:fridge]?|\
         in a hot car for an hour, ok? what [a:storage]?|would $it [a:melt] in the post?|\
         [a:cool place]?",
        "cool and dry|fridge|freezer",
    ),
];
