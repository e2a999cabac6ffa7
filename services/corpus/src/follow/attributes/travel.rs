//! Attributes: tents, bicycles, bags.

use super::Attribute;

pub(super) const ATTRIBUTES: &[Attribute] = &[
    (
        "sleeps|persons|people",
        "how many people $does [a:sleep]?|how many [a:people fit] in?|\
         how many [a:persons] $is for?|$is big enough for four [a:people]?|\
         how many $does [a:sleep]?|$does [a:sleep] a family?|\
         me, the wife and two dogs. will we [a:fit]?|big enough for a family of [a:five]?|\
         how many [a:adults] can lie in it?|$is a two [a:man] or three?|\
         could three grown ups [a:sleep] in there?|[a:berths]?",
        "$d|$d people",
    ),
    (
        "season|season_rating|seasons",
        "what [a:season] $is for?|$is ok for [a:winter]?|what's the [a:season rating]$of?|\
         how many [a:seasons] $is?|can i use it in [a:winter]?|\
         all year round or just [a:summer]?|would you use it in [a:november]?|[a:winter] ok?|\
         3 or 4 [a:season]?|is it one for the [a:cold months]?|\
         i camp at [a:easter], good idea or not?",
        "$d|3 season|all year",
    ),
    (
        "packed_size|pack_size",
        "what is the [a:packed size]$of?|how small $does [a:pack]?|how big $is when [a:packed]?|\
         $does [a:pack small]?|what size $is when [a:rolled]?|\
         must fit in my [a:rucksack]. does it?|how small does it get when you [a:roll] it?|\
         will $it go in a [a:pannier]?|when it's all [a:packed] up, what size?|\
         $does go in a [a:carry bag]?|once folded away, what's the [a:packed size]?",
        "$n x $n cm|$n cm x $d cm",
    ),
    (
        "setup_time|pitching",
        "how many minutes to [a:pitch] $obj?|how long does the [a:setup take]?|\
         $is easy to [a:pitch]?|how fast can i [a:pitch] $obj?|how easy is the [a:setup]?|\
         on my own in the dark, how long to [a:put] up?|can one person [a:put] up the thing?|\
         how fiddly $is to [a:erect]?|$is [a:pop] up?|ten minutes to [a:set] up or an hour?|\
         inner or outer first when you [a:pitch] it?",
        "$n minutes|$d minutes",
    ),
    (
        "poles",
        "what are the [a:poles made] of?|how many [a:poles] $does have?|\
         are the [a:poles] any good?|what [a:poles] $does come with?|\
         do the [a:poles snap]? my last ones did|fibreglass or alloy [a:poles]?|\
         colour coded [a:poles]?|can i buy one [a:pole] if it breaks?|\
         $is [a:inflatable] or with poles",
        "$m|$d, aluminium|fibreglass",
    ),
    (
        "groundsheet",
        "$does have a [a:groundsheet]?|is a [a:groundsheet included]?|\
         is the [a:groundsheet sewn] in?|what's the [a:groundsheet] like?|\
         does the [a:floor come] with it?|do i need a separate [a:footprint]?|\
         is the floor [a:attached]?|\
         wet field last year, came through the [a:groundsheet]. any better?|\
         [a:groundsheet] yes or no",
        "sewn in|included|none",
    ),
    (
        "wheel_size|wheels",
        "what is the [a:wheel size]$of?|how big are the [a:wheels]?|what [a:wheels] $does have?|\
         $does have [a:wheels]?|how many [a:wheels]?|do the [a:wheels turn]?|\
         any good on [a:cobbles]?|do the [a:wheels lock]?|\
         will the [a:wheels mark] my wooden floor?|26 or 29 inch [a:wheels]?|\
         mine always had squeaky [a:wheels]. better on this?|[a:castors]?|\
         can i replace the [a:wheels] if they go",
        "$n inch|$d|four, swivel",
    ),
    (
        "gears|gear_count",
        "how many [a:gears] $does have?|what [a:gears] $does have?|$does have [a:gears]?|\
         and how many [a:gears]?|we live on a steep hill so it needs [a:gears]|\
         shimano [a:gears]?|$is [a:single speed]?|[a:gear hub] or derailleur?|\
         a kid of 7, can he manage the [a:gears]?|how easy do the [a:gears shift] in mud",
        "$d|$n|single speed",
    ),
    (
        "brakes",
        "what [a:brakes] $does have?|$does have disc [a:brakes]?|what kind of [a:brakes] $is?|\
         are the [a:brakes] any good?|$does stop well in the wet, what [a:brakes]?|\
         back pedal [a:brake]?|is there a [a:handbrake]?|[a:hydraulic]?|\
         small hands, can she reach the [a:brakes]?|are the [a:pads easy] to change?",
        "disc|rim|hydraulic disc",
    ),
    (
        "frame|frame_size",
        "what is the [a:frame made] of?|what [a:frame] $does have?|which [a:frame size] $is?|\
         is the [a:frame steel]?|how strong is the [a:frame]?|does the [a:frame rust]?|\
         aluminium or carbon [a:frame]?|i'm 5 foot 2, is the [a:frame] ok?|\
         step through [a:frame]?|does the [a:frame come] with the bed or only slats|\
         is the [a:frame solid] or wobbly",
        "$m|$n cm|aluminium",
    ),
    (
        "tyre|tyres",
        "what [a:tyres] $does have?|how wide are the [a:tyres]?|what is the [a:tyre size]$of?|\
         which [a:tyre] $does fit?|are the [a:tyres puncture proof]?|fat [a:tyres]?|\
         solid or [a:pneumatic]?|can i ride it on gravel, i.e. what [a:tyres]?|\
         what pressure do the [a:tyres] want?|presta or schrader [a:valve]?|\
         [a:tires] any good in snow?|are the [a:tyres tubeless]",
        "$n mm|$n x $d|puncture resistant",
    ),
    (
        "suspension",
        "$does have [a:suspension]?|what [a:suspension] $does have?|\
         how good is the [a:suspension]?|is there any [a:suspension] on it?|\
         my wrists suffer. is there [a:suspension]?|bumpy lane, $does have [a:shocks]?|\
         [a:front fork]?|full or front [a:suspension]?|can the [a:suspension] be locked",
        "front|none|$n mm",
    ),
    (
        "security_rating|security",
        "what is the [a:security rating]$of?|how [a:secure] $is?|\
         what [a:security level] $does have?|$is [a:sold secure]?|how good is the [a:security]?|\
         my bike got nicked last month. how [a:secure] would this be?|\
         would [a:bolt cutters go through] it?|insurer wants [a:gold], is it?|\
         [a:insurance approved]?|$is [a:fireproof]?|how hard $is to [a:pick]?",
        "gold|silver|level $d",
    ),
    (
        "lock|lock_type",
        "$does have a [a:lock]?|can i [a:lock] $obj?|what [a:lock] $does have?|\
         $does come with [a:keys]?|is there a [a:lock] on it?|$does [a:lock]?|\
         can the kids be kept out, is there a [a:lock]?|how many [a:keys] do i get?|\
         what if i lose the [a:key]?|[a:tsa lock]?|key or [a:code]?|\
         can i put my own [a:padlock] on",
        "combination|key, two included|none",
    ),
    (
        "mounting|mount",
        "how $is [a:mounted]?|how do i [a:attach] $obj?|what [a:mount] $does need?|\
         $does come with [a:screws]?|can i [a:mount] $obj on a wall?|\
         i'm renting and can't drill. how do you [a:fix] it?|what holds it on, [a:brackets]?|\
         [a:vesa]?|$does stick on or [a:screw] on|handlebars are 31.8, does the [a:mount fit]?|\
         is the [a:wall bracket included]?|[a:freestanding] or fixed?|\
         can $it go on [a:plasterboard]?",
        "clip|wall, with screws|rubber strap",
    ),
    (
        "visibility|reflective",
        "$is [a:reflective]?|how [a:visible] $is?|does it have [a:reflective strips]?|\
         can drivers [a:see] me in it?|what's the [a:visibility] like?|\
         i cycle home at 5 in winter, will i be [a:seen]?|[a:high vis]?|\
         is there something [a:reflective] on the back?|[a:glow in the dark]?|\
         does the logo [a:reflect]?|would a lorry driver [a:see] me",
        "$n m|yes|no",
    ),
    (
        "cabin_approved|cabin_size",
        "$is [a:cabin approved]?|can i take it as [a:hand luggage]?|$is ok for the [a:cabin]?|\
         will ryanair [a:allow] it?|$does fit the [a:cabin size]?|\
         flying easyjet with just this. [a:cabin] ok?|do i have to [a:check] it in?|\
         goes under the [a:seat]?|[a:carry] on?|would they make me pay at the [a:gate]?|\
         [a:overhead locker]?|ok through airport [a:security]?",
        "yes|no|most airlines",
    ),
    (
        "laptop_size|laptop",
        "what [a:laptop fits] in?|$does fit a 15 inch [a:laptop]?|\
         is there a [a:laptop compartment]?|how big a [a:laptop fits] in?|\
         what is the [a:laptop size]?|a 17 inch [a:macbook], $does go in?|\
         somewhere padded for a [a:laptop]?|[a:tablet] too?|\
         i carry a big work [a:laptop every day]. room?|is the [a:laptop sleeve removable]",
        "$n inch|up to 15 inch",
    ),
    (
        "compartments",
        "how many [a:compartments] $does have?|what [a:compartments] are there?|\
         $does have a [a:bottle holder]?|how is it [a:divided]?|\
         wet swimming things separate from dry, a [a:compartment]?|somewhere for [a:shoes]?|\
         [a:dividers]?|one big space or [a:sections]?|place for an [a:umbrella]?|\
         $does have a [a:hidden pocket]?",
        "$d|main and front|one",
    ),
    (
        "strap|straps|strap_length",
        "how long is the [a:strap]?|$does have a [a:strap]?|are the [a:straps padded]?|\
         is the [a:strap adjustable]?|what [a:strap] $does have?|\
         i've narrow shoulders and [a:straps slip off]|$does go across the [a:body]?|\
         can the [a:strap] be taken off|[a:chest strap]?|small wrists, is the [a:strap short]?|\
         leather [a:strap]?|do the [a:straps dig] in|[a:shoulder strap]?",
        "$n cm|adjustable|padded",
    ),
    (
        "back_length|torso",
        "what [a:back length] $is for?|how long is the [a:back]?|does the [a:hip belt come off]?|\
         what [a:torso] $does fit?|i'm short in the [a:back], would $it suit?|[a:hip belt]?|\
         long [a:torso], big problem?|does the [a:back sit close] or is there air|\
         [a:back size] please",
        "$n cm|adjustable",
    ),
    (
        "windproof",
        "$is [a:windproof]?|$does keep out the [a:wind]?|how much [a:wind] can $it take?|\
         will $it stand up to [a:wind]?|blowy up on our hill. [a:windproof]?|\
         mine turned inside out in a [a:gale]. this one?|$does stay put in a [a:storm]?|\
         will the [a:wind go straight through] it?|up to what [a:wind speed]?|\
         need to [a:peg] it down?",
        "yes|no|to $n km/h",
    ),
    (
        "buoyancy",
        "$does [a:float]?|what [a:buoyancy] $does have?|will $it [a:float] in salt water?|\
         how much [a:buoyancy]$of?|if i drop it off the [a:boat], does it sink?|[a:50n]?|\
         can a child [a:swim] with it?|[a:floats]?|is it a [a:life jacket] or just an aid",
        "$n N|yes|no",
    ),
    (
        "rain_cover|weather_cover",
        "has it got a [a:rain cover]?|is there a [a:cover] in the bottom pocket?|\
         what do i do in a [a:downpour]?|[a:waterproof cover]?|is the [a:raincover extra]",
        "included|yes|no",
    ),
    (
        "expandable",
        "$does [a:expand]?|coming home with presents, can you make it [a:bigger]?|\
         is there an [a:expander zip]?|[a:expandable]?|\
         when it's [a:expanded], still hand luggage?",
        "yes|by $d cm|no",
    ),
    (
        "shell|hard_shell",
        "hard or [a:soft shell]?|will baggage handlers [a:crack] it?|does the [a:corner dent]|\
         [a:hard case]?|scuffs easily, the [a:shell]?",
        "polycarbonate|soft|aluminium",
    ),
    (
        "harness|straps_harness",
        "five point [a:harness]?|does he face [a:backwards]?|[a:isofix]?|from [a:newborn]?|\
         can he [a:undo] it himself|[a:rear facing]?",
        "5 point|3 point|none",
    ),
    (
        "recline|sleeping_position",
        "does he lie [a:flat]?|can you [a:recline] with one hand?|\
         naps on the go, does the [a:seat recline]?|how many [a:positions]?|[a:lie flat]?",
        "$d positions|flat|none",
    ),
    (
        "bike_fit|rack_fit",
        "$does go on any [a:rack]?|clips on or [a:straps]?|hits my [a:heels] when i pedal?|\
         fits an [a:e-bike]?|[a:quick release]?",
        "$n mm|most racks",
    ),
    (
        "ventilation|vents",
        "$does get [a:condensation]?|do i wake up wet, is there [a:ventilation]?|\
         how many [a:vents]?|stuffy or [a:airy]?|can you close the [a:vents]",
        "$d vents|mesh|none",
    ),
];
