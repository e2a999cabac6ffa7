//! Attributes: clothes, shoes, jewellery.

use super::Attribute;

pub(super) const ATTRIBUTES: &[Attribute] = &[
    (
        "fit|cut",
        "how $does [a:fit]?|$does run [a:small]?|what's the [a:fit] like?|$is [a:true to size]?|\
         $is a [a:tight fit]?|do they come up [a:small]?|\
         i'm between sizes, which way does the [a:fit go]?|\
         i've broad shoulders. is it a [a:snug fit]?|bit of a belly here lol, $is [a:roomy]?|\
         do they come up [a:large]?|would $it go over a thick [a:jumper]?|[a:slim] or [a:baggy]?|\
         my usual 12, would that be [a:right]?|i have wide feet, is it a [a:wide fit]?",
        "true to size|slim|wide|runs small",
    ),
    (
        "filling|fill",
        "what is the [a:filling]?|what $is [a:filled] with?|what [a:filling] $does have?|\
         $is [a:down] or synthetic?|what's the [a:fill]$of?|\
         feathers make me sneeze. what's the [a:filling]?|$is [a:feather]?|\
         stuffed with what, [a:foam]?|does the [a:filling go lumpy]?|[a:duck down] or goose?|\
         what did they [a:stuff] it with",
        "$m|down|polyester",
    ),
    (
        "insulation",
        "what [a:insulation] $does have?|how well $is [a:insulated]?|$is [a:insulated]?|\
         what's the [a:insulation] like?|$is [a:warm]?|can i wear it in [a:minus ten]?|\
         will i be [a:warm] in it standing at a bus stop?|\
         my feet are always freezing, $is [a:insulated]?|$does keep the [a:heat] in?|[a:cosy]?|\
         what's between the layers, what [a:insulation]?",
        "$m|synthetic, $n g|down",
    ),
    (
        "lining",
        "what is the [a:lining]?|$does have a [a:lining]?|$is [a:lined]?|\
         what [a:lining] $does have?|is it itchy inside or does it have a [a:lining]?|\
         [a:fleece lined]?|fully [a:lined]?|what $does feel like [a:inside]?|\
         can the [a:lining] be zipped out?|skirt see through without a slip, or $is [a:lined]?",
        "$m|fleece|none",
    ),
    (
        "temperature|comfort",
        "what [a:temperature] $is for?|how [a:warm] $is?|how [a:cold] can it get in it?|\
         what is the [a:comfort temperature]$of?|what [a:temperature] $is comfortable to?|\
         down to what [a:temperature] can i use it?|\
         scotland in october in a tent. will i be [a:cold]?|\
         what's the coldest [a:temperature] it's good for?|$does work below [a:zero]?|\
         i sleep [a:cold], $is ok for me?|[a:comfort rating]?|\
         would $it be too [a:hot] in august?",
        "down to $d degrees|-$d C|$n C",
    ),
    (
        "heel_height|heel",
        "how high is the [a:heel]?|what is the [a:heel height]$of?|what [a:heel] $does have?|\
         $does have a [a:heel]?|are the [a:heels high]?|\
         i can't walk in anything above 5 cm. the [a:heel]?|i'm tall already, are they [a:high]?|\
         block or [a:stiletto]?|could i dance all night in them, how high's the [a:heel]?|\
         is there a [a:wedge]?|can i drive in that [a:heel]",
        "$d cm|$n mm|flat",
    ),
    (
        "sole",
        "what [a:sole] $does have?|what is the [a:sole made] of?|is the [a:sole grippy]?|\
         how thick is the [a:sole]?|do the [a:soles grip] on ice?|\
         i'm on wooden floors, do the [a:soles squeak]?|can a cobbler replace the [a:sole]?|\
         leather [a:sole]?|stiff or bendy [a:sole]?|will they mark the gym floor, what [a:sole]?|\
         glued or stitched [a:sole]?|is the [a:sole oil resistant]",
        "rubber|$m|Vibram",
    ),
    (
        "grip|tread",
        "how good is the [a:grip]?|what [a:tread] $does have?|do they [a:slip]?|\
         what's the [a:grip] like on wet rock?|$is [a:slippery]?|\
         went flying on wet leaves last week. [a:grip]?|\
         kitchen floors get greasy, are they [a:slip resistant]?|ok on [a:ice]?|\
         would i [a:slide] about on mud|[a:non slip]?|does the back have [a:anti-slip]?",
        "deep lugs|$d mm|non-slip",
    ),
    (
        "closure|fastening",
        "how $does [a:close]?|what [a:closure] $does have?|$does have a [a:zip]?|\
         how do they [a:fasten]?|are there [a:laces] or velcro?|what's the [a:fastening]$of?|\
         she can't do [a:laces yet], $is velcro?|[a:zip] or buttons?|\
         i've only one good hand. how $does [a:fasten]?|does the [a:zip] get stuck|\
         [a:press studs]?|is the [a:zip two way]|[a:drawstring]?|slip on or with [a:buckle]?",
        "zip|laces|buttons|velcro|magnet",
    ),
    (
        "insole",
        "what [a:insole] $does have?|are the [a:insoles removable]?|\
         can i take the [a:insole out]?|what is the [a:insole] like?|\
         i wear orthotics, do the [a:insoles come out]?|have they got [a:arch support]?|\
         flat feet here. what about the [a:insole]|[a:cushioned]?|\
         all day on my feet, is there [a:padding inside]?",
        "removable|cork|memory foam",
    ),
    (
        "toe_cap|toe",
        "$does have a steel [a:toe cap]?|what [a:toe cap] $does have?|\
         how wide is the [a:toe box]?|is the [a:toe protected]?|\
         forklift at work, do they have a [a:steel toe]?|[a:safety boots] or just look like it?|\
         do they pinch at the [a:toes]?|[a:pointy] or round?|[a:composite toe]?|\
         is there room for my [a:bunions]?",
        "steel|composite|wide",
    ),
    (
        "ankle|ankle_support",
        "$does give [a:ankle support]?|how high is the [a:ankle]?|\
         how good is the [a:ankle support]?|do they support the [a:ankle]?|\
         i twisted mine last year so need [a:ankle support]|rubbing on the [a:ankle]?|\
         $does go above the [a:ankle]?|[a:high top] or low?|how far up the [a:leg] do they come",
        "high|mid|low",
    ),
    (
        "breathable|breathability",
        "$is [a:breathable]?|how [a:breathable] $is?|will i [a:sweat] in it?|\
         $does let the [a:sweat out]?|i get really hot on climbs. $does [a:breathe]?|\
         sweaty feet problem... [a:breathable]?|clammy or [a:airy]?|has it got [a:vents]?|\
         is there [a:mesh] on it?|ok in the [a:heat]?",
        "yes|$n0 g|mesh",
    ),
    (
        "neckline|collar|neck",
        "what [a:neckline] $does have?|what kind of [a:neck] $is?|$does have a [a:collar]?|\
         $is a [a:v neck]?|$is low cut, what's the [a:neckline]?|[a:crew neck]?|\
         scratchy round the [a:neck]?|[a:polo neck] or round?|\
         would a tie go with that [a:collar]?|too low for [a:church]?",
        "crew|v-neck|roll neck|button down",
    ),
    (
        "sleeve|sleeves|sleeve_length",
        "how long are the [a:sleeves]?|$does have long [a:sleeves]?|what [a:sleeves] $does have?|\
         $is [a:short sleeved]?|what is the [a:sleeve length]$of?|[a:long sleeves]?|\
         i have long arms. [a:sleeve length]?|do the [a:sleeves roll] up?|[a:sleeveless]?|\
         three quarter or full [a:sleeve]?|[a:thumb holes]?|are the [a:cuffs tight]",
        "long|short|$n cm",
    ),
    (
        "pockets",
        "how many [a:pockets] $does have?|$does have [a:pockets]?|are there any [a:pockets]?|\
         do the [a:pockets] have zips?|where are the [a:pockets]?|somewhere for my [a:phone]?|\
         why do dresses never have [a:pockets]. does this|[a:inside pocket]?|\
         is there a place for [a:keys]?|are the [a:pockets real] or just sewn on|\
         [a:zipped pocket]?|big enough [a:pockets] for a hand|\
         hi, has it a [a:pocket] for passport?",
        "$d|two, with zips|none",
    ),
    (
        "hood",
        "$does have a [a:hood]?|is the [a:hood removable]?|does the [a:hood fit] over a helmet?|\
         is there a [a:hood] on it?|what's the [a:hood] like?|can you take the [a:hood off]|\
         does the [a:hood roll away]?|[a:fur] on the hood, real or fake?|\
         wind blows mine down. does the [a:hood] have a cord?|[a:hoodie] or no hood?|\
         will the [a:hood go] over my bun",
        "removable|fixed|none",
    ),
    (
        "waist|rise",
        "what is the [a:waist] like?|is the [a:waist elastic]?|what [a:rise] $is?|\
         how high is the [a:waist]?|i'm pregnant so is the [a:waistband stretchy]?|\
         [a:high waisted]?|$does dig in at the [a:waist]?|[a:belt loops]?|\
         is there a [a:drawstring] at the waist|low [a:rise] or what",
        "elastic|high|$n cm",
    ),
    (
        "stretch|elastane",
        "$does [a:stretch]?|$is [a:stretchy]?|how much [a:stretch] $does have?|\
         how much [a:elastane] is in it?|can i do yoga in it, is there [a:give]?|\
         do they go [a:baggy] at the knees?|any [a:lycra]?|squats ok? i mean [a:stretch]|\
         will $it [a:stretch] with wear?|rigid or [a:stretchy]?",
        "$d%|four way|none",
    ),
    (
        "uv_protection|upf",
        "$does have [a:uv protection]?|what [a:upf] $is?|what [a:uv protection] $does give?|\
         does it protect from the [a:sun]?|baby burns easily. $does block [a:uv]?|\
         factor 50 [a:sun protection]?|ok for the [a:sun] in spain?|\
         do the glasses have a [a:uv filter]?|$does [a:fade] in the sun?",
        "UPF $n|UV400",
    ),
    (
        "lens|lenses",
        "what [a:lenses] $does have?|are the [a:lenses polarised]?|what is the [a:lens made] of?|\
         can the [a:lenses] be changed?|for driving, are they [a:polarised]?|\
         can i put my own [a:prescription] in?|glass or plastic [a:lenses]?|\
         do the [a:lenses fog] up?|scratch proof [a:lens]?|[a:varifocal]?|\
         how dark is the [a:tint]?",
        "polarised|$m|category $d",
    ),
    (
        "movement|clockwork",
        "what [a:movement] $does have?|$is [a:quartz] or automatic?|$does [a:tick]?|\
         does that need [a:winding]?|can't sleep with [a:ticking]. does it?|do you [a:wind] it?|\
         swiss [a:movement]?|does the [a:second hand sweep] or tick|[a:automatic]?|\
         runs on a [a:battery]?|[a:radio controlled]?",
        "quartz|automatic|silent",
    ),
    (
        "nickel|plating",
        "$does contain [a:nickel]?|$is real [a:gold]?|$is [a:plated]?|\
         what [a:plating] $does have?|will $it [a:tarnish]?|will my [a:ears go green]?|\
         solid or [a:plated]?|[a:hallmarked]?|does the [a:gold rub off]|how many [a:carats]?|\
         got a nickel [a:allergy], ok for me?|$does go [a:black] with time",
        "gold|none|silver",
    ),
    (
        "denier",
        "how sheer are they, what [a:denier]?|40 or 100 [a:denier]?|[a:ladder resist]?|\
         opaque enough for [a:work]?|do they [a:snag]?",
        "$n|15",
    ),
    (
        "cup_size|support_level",
        "$is ok for a [a:large bust]?|[a:underwired]?|for running, what [a:support]?|\
         how much [a:support] $does give?|do the [a:pads come out]",
        "A to F|high|medium",
    ),
    (
        "hem|hem_length",
        "$does cover my [a:knees]?|where $does come to, [a:midi]?|can the [a:hem] be let down|\
         i'm five foot. [a:petite]?|[a:side split]?",
        "$n cm|midi|raw",
    ),
    (
        "maternity|nursing",
        "can i [a:breastfeed] in it?|would $it go over a [a:bump]?|\
         eight months gone. [a:maternity]?|ok for [a:nursing]?|$does grow with the [a:belly]?",
        "yes|no",
    ),
    (
        "reversible",
        "can i wear it [a:inside out]?|same on both [a:sides]?|[a:reversible]?|\
         two colours in one, $is [a:reversible]?|which is the right [a:side]?",
        "yes|no",
    ),
    (
        "print|pattern",
        "is the pattern on the [a:back] too?|printed or [a:embroidered]?|\
         does the [a:print crack] in the wash?|can you see a [a:logo]?|\
         is it a plain one or [a:patterned]?|[a:stripes] up or across?",
        "embroidered|woven|printed",
    ),
    (
        "ring_size|chain_length",
        "can $it be [a:resized]?|short or long [a:chain]?|i'm an M, what's the [a:ring size]?|\
         does the [a:chain break easily]|[a:chain length]?",
        "$n cm|adjustable|N",
    ),
    (
        "stone|gemstone",
        "real [a:diamond] or glass?|what [a:stone] is in it|where was the [a:stone mined]?|\
         [a:lab grown]?|do the [a:stones fall out]",
        "$v|cubic zirconia|none",
    ),
    (
        "case_size|dial",
        "big face? what's the [a:case size]?|can i read the [a:dial] in the dark?|\
         $does show the [a:date]?|too chunky for a thin wrist, the [a:case]?|\
         [a:roman numerals]?",
        "$n mm|black|white",
    ),
    (
        "water_depth|dive_rating",
        "can i [a:swim] with it?|[a:snorkelling]?|how deep, i [a:dive]?|[a:atm]?|\
         ok in the [a:bath]?|take it off for [a:washing] up?",
        "$n m|$d ATM",
    ),
];
